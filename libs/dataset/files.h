// The file system as the dataset writer needs it: one seam, so that a test can fail or cut the
// power at any call.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/base/result.h"

namespace winnow::dataset {

// A file open for appending. Closed by its destructor, which syncs nothing. One thread.
class AppendFile {
 public:
  virtual ~AppendFile() = default;

  // All of `bytes` or an Error; after an Error the file may hold a part of them.
  virtual Status Append(std::string_view bytes) = 0;
  // On return everything appended is on the disk. After an Error nothing about the file is known
  // beyond what was synced before: cut it back to that length, never just sync again.
  virtual Status Sync() = 0;
};

enum class RenameOutcome { kRenamed, kTargetExists };

// Errors are kUnavailable for what a person can mend (disk full, permissions, I/O error): the
// message names the path, the cause and what to do. Paths are as given to the operating system.
// Thread-safe if different threads use different paths.
class Files {
 public:
  virtual ~Files() = default;

  // Creates the file if it is not there. The new name is on the disk after SyncDirectory only.
  virtual Result<std::unique_ptr<AppendFile>> OpenAppend(const std::string& path) = 0;

  // Cuts the file to `length`, which must not exceed its size.
  virtual Status Truncate(const std::string& path, std::uint64_t length) = 0;

  // Atomic; never replaces. kTargetExists: nothing changed.
  virtual Result<RenameOutcome> RenameNoReplace(const std::string& from, const std::string& to) = 0;

  // Atomic; replaces `to`.
  virtual Status Replace(const std::string& from, const std::string& to) = 0;

  // No Error if there is no such file.
  virtual Status Remove(const std::string& path) = 0;

  // Names created in, moved into or removed from the directory before are on the disk on return.
  virtual Status SyncDirectory(const std::string& path) = 0;

  // With parents, whose new names are synced.
  virtual Status MakeDirectories(const std::string& path) = 0;

  // nullopt: no such file.
  virtual Result<std::optional<std::uint64_t>> Size(const std::string& path) = 0;

  // Names of the regular files in a directory, sorted; empty if there is no such directory.
  virtual Result<std::vector<std::string>> List(const std::string& path) = 0;

  // Hands the first `length` bytes to `visit`, in order, in pieces of at most 1 MiB. kCorruptState
  // if the file is shorter.
  virtual Status Read(const std::string& path, std::uint64_t length,
                      const std::function<void(std::string_view)>& visit) = 0;
};

// The real thing. Stateless.
Files& PosixFiles();

// The Error for a failed system call on `path`: "cannot write /data/x.tar: No space left on device;
// free space and run the same command again". `verb` is what was tried.
Error FileError(std::string_view verb, const std::string& path, int error_number);

// Whole small files (manifests, reports), all or nothing: a temporary file beside `path`, synced,
// then renamed over it and the directory synced.
Status WriteFileAtomically(Files& files, const std::string& path, std::string_view bytes);

// "a/b"; `directory` without a trailing slash.
std::string JoinPath(const std::string& directory, std::string_view name);

}  // namespace winnow::dataset
