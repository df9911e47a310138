// Reading files below one directory and no other. Private to the room.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "libs/base/result.h"

namespace winnow::ingest {

// An open file descriptor, closed when it goes. -1 holds none.
class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int fd) : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  ~FileDescriptor();

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

struct OpenFile {
  FileDescriptor fd;
  std::uint64_t size = 0;
};

// The root of a folder source, symbolic links resolved.
class RootDirectory {
 public:
  // Error kConfig if `path` is not a directory that can be read.
  static Result<RootDirectory> Open(const std::string& path);

  // Opens the regular file at the '/'-separated `relative` path. Symbolic links are followed, but
  // what was opened must lie inside the root. Error kInput with the reason. Thread-safe.
  Result<OpenFile> OpenInside(const std::string& relative) const;
  // True if a regular file inside the root can be opened there. Thread-safe.
  bool Has(const std::string& relative) const;
  // True if nothing has that name, not even a link. Thread-safe.
  bool IsAbsent(const std::string& relative) const;

  std::string Absolute(std::string_view relative) const;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// Reads from the start to the end. Error kInput if it cannot be read or holds more than `limit`
// bytes. Thread-safe for one descriptor each.
Result<std::string> ReadAll(const OpenFile& file, std::uint64_t limit);

// Exactly `length` bytes at `offset`. Thread-safe. Error kInput if they are not there.
Result<std::string> ReadAt(int fd, std::uint64_t offset, std::uint64_t length);

// What errno says, as text.
std::string ErrnoText(int error);

}  // namespace winnow::ingest
