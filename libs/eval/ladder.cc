#include "libs/eval/ladder.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <system_error>
#include <thread>

#include "libs/base/digest.h"
#include "libs/base/whole_file.h"
#include "libs/dataset/files.h"
#include "libs/eval/manifest_json.h"
#include "libs/image/decode.h"
#include "libs/image/fingerprint.h"

namespace winnow::eval {
namespace {

using Json = nlohmann::json;
namespace fs = std::filesystem;

constexpr const char* kDataset = "ladder";
constexpr std::uint32_t kMinSide = 200;
constexpr int kMinQuality = 50;

Status WriteFile(const fs::path& path, std::string_view bytes) {
  std::ofstream file(path, std::ios::binary);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  file.flush();
  if (!file) return dataset::FileError("write", path.string(), errno);
  return {};
}

// ---- the choice ---------------------------------------------------------------------------------

struct Candidate {
  std::string file;
  std::string group;
};

// Of each list its first, then of each its second, and so on.
template <class T>
std::vector<T> TakeTurns(const std::vector<std::vector<T>>& lists) {
  std::size_t longest = 0;
  for (const std::vector<T>& list : lists) longest = std::max(longest, list.size());
  std::vector<T> all;
  for (std::size_t i = 0; i < longest; ++i) {
    for (const std::vector<T>& list : lists) {
      if (i < list.size()) all.push_back(list[i]);
    }
  }
  return all;
}

Result<std::vector<Candidate>> CandidatesOf(const LadderOptions& options, const std::string& set) {
  WINNOW_ASSIGN_OR_RETURN(const Json manifest, ReadManifestJson(options.data + "/" + set));
  std::map<std::string, std::map<Sha256Digest, Candidate>> by_directory;
  for (const Json& item : manifest["items"]) {
    const std::string file = TextOf(item, "file");
    by_directory[fs::path(file).parent_path().string()][Sha256(file)] = {file,
                                                                         TextOf(item, "group")};
  }
  std::vector<std::vector<Candidate>> lists;
  for (const auto& [directory, candidates] : by_directory) {
    lists.emplace_back();
    for (const auto& [digest, candidate] : candidates) lists.back().push_back(candidate);
  }
  return TakeTurns(lists);
}

std::optional<image::Pixels> UprightPixels(const std::string& bytes) {
  const image::Decoded decoded = image::Decode(bytes, {});
  if (!decoded.frame) return std::nullopt;
  return image::Upright(decoded.frame->pixels, decoded.frame->orientation);
}

bool IsFit(const fs::path& path) {
  const image::Decoded decoded = image::Decode(ReadWholeFile(path.string()).value_or(""), {});
  if (!decoded.frame) return false;
  const image::Pixels& pixels = decoded.frame->pixels;
  return std::min(pixels.width, pixels.height) >= kMinSide &&
         image::ComputeFingerprint(*decoded.frame).quality >= kMinQuality;
}

// Hands out the fit photographs of one set, one of each group.
class Chooser {
 public:
  Chooser(std::string folder, std::vector<Candidate> candidates)
      : folder_(std::move(folder)), candidates_(std::move(candidates)) {}

  std::optional<std::string> Next() {
    while (at_ < candidates_.size()) {
      const Candidate& candidate = candidates_[at_++];
      if (groups_.contains(candidate.group) || !IsFit(folder_ + "/" + candidate.file)) continue;
      if (!candidate.group.empty()) groups_.insert(candidate.group);
      return candidate.file;
    }
    return std::nullopt;
  }

 private:
  std::string folder_;
  std::vector<Candidate> candidates_;
  std::size_t at_ = 0;
  std::set<std::string> groups_;
};

// ---- the files ----------------------------------------------------------------------------------

std::string GroupName(std::size_t index) { return fmt::format("{:03}", index); }

// "brightness+30", "crop2".
std::string FileName(const Rung& rung) {
  std::string name(rung.transform);
  for (const char c : rung.strength) {
    if ((c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.') name += c;
  }
  return name;
}

Json Item(const std::string& file, std::size_t index, const Rung& rung, const Original& original) {
  return {{"file", file},
          {"group", GroupName(index)},
          {"transform", rung.transform},
          {"strength", rung.strength},
          {"source", original.set + "/" + original.file}};
}

// One original and its copies: files on disk, items for the manifest.
Result<std::vector<Json>> WriteGroup(const LadderOptions& options, const Original& original,
                                     std::size_t index) {
  const std::string bytes =
      ReadWholeFile(options.data + "/" + original.set + "/" + original.file).value_or("");
  const std::optional<image::Pixels> upright = UprightPixels(bytes);
  if (!upright) return UnavailableError(original.file + " changed while it was read");
  const fs::path folder = options.folder;
  const std::string group = GroupName(index);
  std::error_code error;
  fs::create_directories(folder / group, error);
  if (error) return dataset::FileError("make", (folder / group).string(), error.value());

  const std::string first = group + "/original" + fs::path(original.file).extension().string();
  WINNOW_RETURN_IF_ERROR(WriteFile(folder / first, bytes));
  std::vector<Json> items = {Item(first, index, {"original", ""}, original)};
  for (std::size_t i = 0; i < Rungs().size(); ++i) {
    WINNOW_ASSIGN_OR_RETURN(const Copy copy, MakeCopy(*upright, i));
    const std::string file = group + "/" + FileName(Rungs()[i]) + copy.extension;
    WINNOW_RETURN_IF_ERROR(WriteFile(folder / file, copy.bytes));
    items.push_back(Item(file, index, Rungs()[i], original));
  }
  return items;
}

Status ClearEarlierLadder(const std::string& folder) {
  std::error_code error;
  if (!fs::exists(folder, error) || fs::is_empty(folder, error)) return {};
  const auto manifest = ReadManifestJson(folder);
  if (!manifest || TextOf(*manifest, "dataset") != kDataset) {
    return ConfigError(folder + " holds other files; name a new folder for the ladder");
  }
  fs::remove_all(folder, error);
  if (error) return dataset::FileError("empty", folder, error.value());
  return {};
}

}  // namespace

Result<std::vector<Original>> ChooseOriginals(const LadderOptions& options) {
  std::vector<Chooser> choosers;
  for (const std::string& set : options.sets) {
    WINNOW_ASSIGN_OR_RETURN(std::vector<Candidate> candidates, CandidatesOf(options, set));
    choosers.emplace_back(options.data + "/" + set, std::move(candidates));
  }
  std::vector<Original> originals;
  for (bool any = true; any && originals.size() < options.originals;) {
    any = false;
    for (std::size_t i = 0; i < choosers.size() && originals.size() < options.originals; ++i) {
      const std::optional<std::string> file = choosers[i].Next();
      if (!file) continue;
      originals.push_back({options.sets[i], *file});
      any = true;
    }
  }
  return originals;
}

Status WriteLadder(const LadderOptions& options) {
  WINNOW_RETURN_IF_ERROR(ClearEarlierLadder(options.folder));
  WINNOW_ASSIGN_OR_RETURN(const std::vector<Original> originals, ChooseOriginals(options));
  if (originals.empty()) return ConfigError("the sets named hold no photograph for the ladder");

  std::vector<Result<std::vector<Json>>> groups(originals.size(), std::vector<Json>());
  std::atomic<std::size_t> next = 0;
  std::vector<std::thread> workers;
  for (std::size_t t = 0; t < std::max<std::size_t>(options.threads, 1); ++t) {
    workers.emplace_back([&] {
      for (std::size_t i = next++; i < originals.size(); i = next++) {
        groups[i] = WriteGroup(options, originals[i], i);
      }
    });
  }
  for (std::thread& worker : workers) worker.join();

  Json items = Json::array();
  for (const auto& group : groups) {
    if (!group) return group.error();
    for (const Json& item : *group) items.push_back(item);
  }
  const Json manifest = {{"dataset", kDataset},
                         {"title", fmt::format("{} photographs and {} copies of each",
                                               originals.size(), Rungs().size())},
                         {"items", std::move(items)}};
  const auto lenient = Json::error_handler_t::replace;
  return WriteFile(fs::path(options.folder) / kManifestName, manifest.dump(1, ' ', false, lenient));
}

}  // namespace winnow::eval
