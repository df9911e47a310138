// The files below a directory, in an order that every file system gives. Private to the room.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "libs/base/result.h"
#include "libs/ingest/file_bytes.h"

namespace winnow::ingest {

enum class FoundKind {
  kImage,      // to be loaded
  kOtherFile,  // a regular file that is no image, or something that is no file (pipe, device)
  kLinkedDirectory,  // never followed: links make loops and lead out
};

struct Found {
  std::string path;  // relative to the root, '/'-separated
  FoundKind kind = FoundKind::kOtherFile;
};

// Yields everything below the root in the bytewise order of relative paths. Names that start with a
// dot are passed over, directories with all they hold. Keeps the names of the directories on the
// current path in memory, nothing else. One thread.
class FolderWalk {
 public:
  // `root` must outlive the walk.
  explicit FolderWalk(const RootDirectory& root) : root_(&root) {}

  // nullopt at the end. Error kUnavailable for a directory that cannot be listed: what it holds
  // would be missing without a trace.
  Result<std::optional<Found>> Next();

 private:
  struct Level {
    std::string path;                // "" or "dir/"
    std::vector<std::string> names;  // descending, so that the next one is last
  };
  Status Enter(const std::string& path);
  Found Examine(std::string path) const;

  const RootDirectory* root_;
  bool started_ = false;
  std::vector<Level> levels_;
};

}  // namespace winnow::ingest
