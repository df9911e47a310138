#include "libs/ingest/folder_walk.h"

#include <algorithm>
#include <filesystem>
#include <functional>
#include <system_error>
#include <utility>

#include "libs/ingest/image_name.h"

namespace winnow::ingest {
namespace {

namespace fs = std::filesystem;

bool StartsLikeImage(const RootDirectory& root, const std::string& path) {
  const auto file = root.OpenInside(path);
  if (!file) return false;
  const auto head = ReadAt(file->fd.get(), 0, std::min<std::uint64_t>(file->size, kHeadBytes));
  return head && LooksLikeImage(*head);
}

}  // namespace

Status FolderWalk::Enter(const std::string& path) {
  Level level{path, {}};
  std::error_code error;
  fs::directory_iterator entries(root_->Absolute(path), error);
  for (; !error && entries != fs::directory_iterator(); entries.increment(error)) {
    std::string name = entries->path().filename().string();
    if (name.starts_with('.')) continue;
    std::error_code unknown;  // an entry whose type cannot be told is treated as a file
    const bool directory = entries->symlink_status(unknown).type() == fs::file_type::directory;
    // The slash makes "a.jpg" come before what is in "a/", as in the order of whole paths.
    level.names.push_back(std::move(name) + (directory ? "/" : ""));
  }
  if (error) {
    return UnavailableError("cannot list the directory " + root_->Absolute(path) + ": " +
                            error.message() + "; make it readable or move it out of the input");
  }
  std::sort(level.names.begin(), level.names.end(), std::greater<>());
  levels_.push_back(std::move(level));
  return {};
}

Found FolderWalk::Examine(std::string path) const {
  std::error_code error;
  const fs::file_status status = fs::status(root_->Absolute(path), error);
  if (status.type() == fs::file_type::directory) return {path, FoundKind::kLinkedDirectory};
  const NameKind kind = KindOfName(path);
  // A dangling or escaping link that is named like an image is an image somebody expects.
  const bool file = status.type() == fs::file_type::regular ||
                    status.type() == fs::file_type::not_found || error;
  const bool image =
      file && (kind == NameKind::kImage ||
               (kind == NameKind::kUnknown && StartsLikeImage(*root_, path)));
  return {std::move(path), image ? FoundKind::kImage : FoundKind::kOtherFile};
}

Result<std::optional<Found>> FolderWalk::Next() {
  if (!std::exchange(started_, true)) WINNOW_RETURN_IF_ERROR(Enter(""));
  while (!levels_.empty()) {
    Level& level = levels_.back();
    if (level.names.empty()) {
      levels_.pop_back();
      continue;
    }
    std::string path = level.path + level.names.back();
    level.names.pop_back();
    if (!path.ends_with('/')) return Examine(std::move(path));
    WINNOW_RETURN_IF_ERROR(Enter(path));
  }
  return std::nullopt;
}

}  // namespace winnow::ingest
