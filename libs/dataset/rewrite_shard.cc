#include "libs/dataset/rewrite_shard.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>

#include "libs/base/digest.h"
#include "libs/dataset/open_tar.h"

namespace winnow::dataset {
namespace {

// POSIX ustar: a header of one block with the name at 0 and the size in octal at 124, then the
// bytes, filled up to whole blocks. Shards hold nothing but regular files with short names (tar.h).
constexpr std::size_t kBlock = 512;
constexpr std::size_t kNameBytes = 100;
constexpr std::size_t kSizeAt = 124;
constexpr std::size_t kSizeDigits = 11;
constexpr std::string_view kMagic = "ustar";
constexpr std::size_t kMagicAt = 257;

struct Header {
  std::string name;
  std::uint64_t bytes = 0;
};

std::optional<Header> ParseHeader(std::string_view block) {
  if (block.substr(kMagicAt, kMagic.size()) != kMagic) return std::nullopt;
  Header header;
  const std::string_view name = block.substr(0, kNameBytes);
  header.name = name.substr(0, name.find('\0'));
  const char* const digits = block.data() + kSizeAt;
  const auto [end, fault] = std::from_chars(digits, digits + kSizeDigits, header.bytes, 8);
  if (fault != std::errc() || end != digits + kSizeDigits) return std::nullopt;
  return header;
}

// Sees the bytes of a tar file in pieces of any size and passes on those of the samples to keep.
class SampleFilter {
 public:
  SampleFilter(const std::set<std::string>& keys, const LeftOut& left_out, OpenTar& to)
      : keys_(keys), left_out_(left_out), to_(to) {}

  Status Take(std::string_view piece) {
    while (!piece.empty() && !ended_) {
      const std::size_t wanted = body_left_ > 0 ? body_left_ : kBlock - header_.size();
      const std::string_view part = piece.substr(0, wanted);
      piece.remove_prefix(part.size());
      WINNOW_RETURN_IF_ERROR(body_left_ > 0 ? TakeBody(part) : TakeHeader(part));
    }
    return {};
  }

  bool whole() const { return ended_; }
  std::uint64_t kept() const { return kept_; }
  const std::set<std::string>& left_out() const { return gone_; }

 private:
  Status TakeHeader(std::string_view part) {
    header_ += part;
    if (header_.size() < kBlock) return {};
    if (header_.find_first_not_of('\0') == std::string::npos) {
      ended_ = true;
      return {};
    }
    const auto header = ParseHeader(header_);
    if (!header) return CorruptStateError("it is not a tar file of Winnow's");
    Begin(*header);
    if (keep_) WINNOW_RETURN_IF_ERROR(to_.AppendBlocks(header_));
    header_.clear();
    return {};
  }

  // Entries of a sample stand next to each other.
  void Begin(const Header& header) {
    const std::size_t dot = header.name.find('.');
    const std::string key = header.name.substr(0, dot);
    if (key != key_) {
      key_ = key;
      keep_ = keys_.count(key) == 0;
      if (keep_) {
        ++kept_;
      } else {
        gone_.insert(key);
      }
    }
    const bool is_json = dot != std::string::npos && header.name.substr(dot) == ".json";
    json_left_ = !keep_ && is_json ? header.bytes : 0;
    json_.clear();
    body_left_ = (header.bytes + kBlock - 1) / kBlock * kBlock;
  }

  Status TakeBody(std::string_view part) {
    body_left_ -= part.size();
    if (keep_) return to_.AppendBlocks(part);
    if (json_left_ == 0) return {};
    const std::string_view json = part.substr(0, json_left_);
    json_ += json;
    json_left_ -= json.size();
    if (json_left_ == 0 && left_out_) left_out_(key_, json_);
    return {};
  }

  const std::set<std::string>& keys_;
  const LeftOut& left_out_;
  OpenTar& to_;
  std::string header_;
  std::string key_;
  bool keep_ = true;
  bool ended_ = false;            // by a block of zeros
  std::uint64_t body_left_ = 0;   // of the entry, with what fills its last block
  std::uint64_t json_left_ = 0;   // of the JSON of a sample that is left out
  std::string json_;
  std::uint64_t kept_ = 0;
  std::set<std::string> gone_;
};

Error Damaged(const std::string& path, const std::string& why) {
  return CorruptStateError(fmt::format("{} is damaged: {}; put the original back", path, why));
}

}  // namespace

Result<Shard> RewriteWithout(Files& files, const Shard& shard, const std::string& from,
                             const std::string& to, const std::set<std::string>& keys,
                             const LeftOut& left_out) {
  WINNOW_ASSIGN_OR_RETURN(OpenTar copy, OpenTar::Begin(files, to));
  SampleFilter filter(keys, left_out, copy);
  Sha256Hasher hasher;
  Status status;
  WINNOW_RETURN_IF_ERROR(files.Read(from, shard.bytes, [&](std::string_view piece) {
    hasher.Update(piece);
    if (status) status = filter.Take(piece);
  }));
  if (ToHex(hasher.Finish()) != shard.sha256) {
    return Damaged(from, "its SHA-256 is not the recorded one");
  }
  if (!status && status.error().code == ErrorCode::kCorruptState) {
    return Damaged(from, status.error().message);
  }
  WINNOW_RETURN_IF_ERROR(status);
  if (!filter.whole()) return Damaged(from, "it has no end");
  if (filter.left_out() != keys) return Damaged(from, "it lacks a sample that is to be taken out");
  Shard rewritten = shard;
  rewritten.samples = filter.kept();
  WINNOW_ASSIGN_OR_RETURN(rewritten.sha256, copy.Close());
  rewritten.bytes = copy.bytes();
  return rewritten;
}

}  // namespace winnow::dataset
