#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <set>

#include "libs/base/digest.h"
#include "libs/dataset/manifest.h"
#include "libs/dataset/sample_json.h"
#include "libs/dataset/stream_shards.h"
#include "libs/dataset/tar.h"

namespace winnow::dataset {
namespace {

using Problems = std::vector<std::string>;

// Above validate.max_bytes of any sensible spec; keeps a damaged header from taking all memory.
constexpr std::uint64_t kMaxEntryBytes = 1ull << 30;

// Walks the entries of one shard and checks that they come as image, JSON, image, JSON.
class SampleCheck {
 public:
  SampleCheck(const std::string& shard, std::set<std::string>& keys, Problems& problems)
      : shard_(shard), keys_(keys), problems_(problems) {}

  void Entry(const std::string& name, const std::string& bytes) {
    const std::size_t dot = name.find('.');
    const std::string key = name.substr(0, dot);
    const std::string extension = dot == std::string::npos ? "" : name.substr(dot + 1);
    if (extension == "json") {
      Json(key, bytes);
    } else {
      Image(key, bytes);
    }
  }

  std::uint64_t Finish() {
    if (!open_key_.empty()) Report(open_key_ + " has an image but no JSON");
    return samples_;
  }

 private:
  void Image(const std::string& key, const std::string& bytes) {
    if (!open_key_.empty()) Report(open_key_ + " has an image but no JSON");
    if (!keys_.insert(key).second) Report(key + " occurs twice");
    open_key_ = key;
    digest_ = ToHex(Sha256(bytes));
  }

  void Json(const std::string& key, const std::string& bytes) {
    if (key != open_key_) {
      Report(key + " has JSON without its image before it");
      return;
    }
    open_key_.clear();
    ++samples_;
    const auto json = nlohmann::json::parse(bytes, nullptr, false);
    if (!json.is_object()) {
      Report(key + " has JSON that cannot be parsed");
    } else if (!json.contains("sha256") || json["sha256"] != digest_) {
      Report(key + " has an image that is not the one its JSON describes");
    }
  }

  void Report(const std::string& what) { problems_.push_back(shard_ + ": sample " + what); }

  const std::string& shard_;
  std::set<std::string>& keys_;
  Problems& problems_;
  std::string open_key_;
  std::string digest_;
  std::uint64_t samples_ = 0;
};

// False if there is no point in reading the file as a tar.
bool CheckBytes(const std::string& path, const Shard& shard, Problems& problems) {
  const auto size = PosixFiles().Size(path);
  if (!size || !*size) {
    problems.push_back(shard.name + ": is missing");
    return false;
  }
  if (**size != shard.bytes) {
    problems.push_back(
        fmt::format("{}: has {} bytes, recorded are {}", shard.name, **size, shard.bytes));
    return false;
  }
  Sha256Hasher hasher;
  const Status read = PosixFiles().Read(
      path, shard.bytes, [&](std::string_view piece) { hasher.Update(piece); });
  if (!read) {
    problems.push_back(shard.name + ": " + read.error().message);
    return false;
  }
  if (ToHex(hasher.Finish()) != shard.sha256) {
    problems.push_back(shard.name + ": its SHA-256 is not the recorded one");
  }
  return true;
}

std::uint64_t CheckShard(const std::string& directory, const Shard& shard,
                         std::set<std::string>& keys, Problems& problems) {
  if (shard.name.find('/') != std::string::npos) {
    problems.push_back(shard.name + ": is not a file name");
    return 0;
  }
  const std::string path = JoinPath(ShardDirectory(directory), shard.name);
  if (!CheckBytes(path, shard, problems)) return 0;
  SampleCheck check(shard.name, keys, problems);
  const Status read = ReadTar(path, kMaxEntryBytes,
                              [&](const std::string& name, const std::string& bytes) -> Status {
                                check.Entry(name, bytes);
                                return {};
                              });
  if (!read) problems.push_back(shard.name + ": " + read.error().message);
  const std::uint64_t samples = check.Finish();
  if (samples != shard.samples) {
    problems.push_back(
        fmt::format("{}: holds {} samples, recorded are {}", shard.name, samples, shard.samples));
  }
  return samples;
}

void CheckStrangers(const std::string& directory, const std::set<std::string>& known,
                    Problems& problems) {
  const auto names = PosixFiles().List(ShardDirectory(directory));
  if (!names) {
    problems.push_back(names.error().message);
    return;
  }
  for (const std::string& name : *names) {
    if (known.count(name) == 0) problems.push_back(name + ": is not in the manifest");
  }
}

void CheckIdsInShard(const Part& part, const std::set<std::string>& keys, Problems& problems) {
  for (const std::string& id : part.ids) {
    if (keys.count(SampleKey(RecordId(id))) > 0) continue;
    problems.push_back(fmt::format("{}: its manifest names record {}, which no shard holds",
                                   part.shard.name, id));
  }
}

void CheckReplaced(const std::vector<Part>& parts, Problems& problems) {
  for (const auto& [shard, ids] : FindReplaced(parts)) {
    problems.push_back(fmt::format(
        "{}: still holds {} whose place better copies took, {} first; its sink takes them out when "
        "it publishes or is idle",
        shard, ids.size() == 1 ? "a record" : fmt::format("{} records", ids.size()), ids.front()));
  }
}

// A dataset that services write has no end: its parts are its manifest.
Result<Problems> VerifyParts(const std::string& directory, const std::vector<Part>& parts) {
  Problems problems = CheckRanges(parts);
  const Problems repeated = CheckIds(parts);
  problems.insert(problems.end(), repeated.begin(), repeated.end());
  std::set<std::string> keys;
  std::set<std::string> known;
  for (const Part& part : parts) {
    known.insert(part.shard.name);
    const std::uint64_t samples = CheckShard(directory, part.shard, keys, problems);
    if (samples == part.shard.samples) CheckIdsInShard(part, keys, problems);
  }
  CheckStrangers(directory, known, problems);
  CheckReplaced(parts, problems);
  return problems;
}

Result<Problems> VerifyRun(const std::string& directory) {
  WINNOW_ASSIGN_OR_RETURN(const Manifest manifest, ReadManifest(directory, PosixFiles()));
  Problems problems;
  std::set<std::string> keys;
  std::set<std::string> known;
  std::uint64_t samples = 0;
  std::map<std::string, std::uint64_t> splits;
  for (const Shard& shard : manifest.shards) {
    samples += CheckShard(directory, shard, keys, problems);
    splits[shard.split] += shard.samples;
    known.insert(shard.name);
  }
  CheckStrangers(directory, known, problems);
  if (samples != manifest.totals.stored) {
    problems.push_back(fmt::format("{}: {} images are recorded as stored, {} were found",
                                   kManifestName, manifest.totals.stored, samples));
  }
  if (splits != manifest.splits) {
    problems.push_back(fmt::format("{}: split counts disagree with the shards", kManifestName));
  }
  return problems;
}

}  // namespace

Result<std::vector<std::string>> VerifyDataset(const std::string& directory) {
  WINNOW_ASSIGN_OR_RETURN(const auto manifest,
                          PosixFiles().Size(JoinPath(directory, kManifestName)));
  WINNOW_ASSIGN_OR_RETURN(const std::vector<Part> parts, ReadParts(directory, PosixFiles()));
  if (!manifest && !parts.empty()) return VerifyParts(directory, parts);
  return VerifyRun(directory);
}

}  // namespace winnow::dataset
