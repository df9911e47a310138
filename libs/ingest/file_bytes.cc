#include "libs/ingest/file_bytes.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <system_error>

namespace winnow::ingest {
namespace {

ssize_t Retry(auto call) {
  ssize_t result = -1;
  do {
    result = call();
  } while (result < 0 && errno == EINTR);
  return result;
}

// Where an open descriptor really is, whatever was renamed or linked on the way: no race between
// looking and opening. Empty if the system does not tell.
std::string RealPath(int fd) {
  std::array<char, PATH_MAX> target{};
  const std::string link = "/proc/self/fd/" + std::to_string(fd);
  const ssize_t length = readlink(link.c_str(), target.data(), target.size());
  return length <= 0 ? std::string() : std::string(target.data(), static_cast<std::size_t>(length));
}

bool Within(const std::string& path, const std::string& root) {
  if (root == "/") return true;
  return path.size() > root.size() && path.starts_with(root) && path[root.size()] == '/';
}

}  // namespace

FileDescriptor::~FileDescriptor() {
  if (fd_ >= 0) close(fd_);
}

std::string ErrnoText(int error) { return std::generic_category().message(error); }

Result<RootDirectory> RootDirectory::Open(const std::string& path) {
  const FileDescriptor fd(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) {
    return ConfigError("cannot read the input folder " + path + ": " + ErrnoText(errno) +
                       "; give a directory that exists and that this user may read");
  }
  RootDirectory root;
  root.path_ = RealPath(fd.get());
  if (root.path_.empty()) {
    return ConfigError("cannot resolve the input folder " + path +
                       ": /proc is not mounted; mount it");
  }
  return root;
}

std::string RootDirectory::Absolute(std::string_view relative) const {
  return path_ + "/" + std::string(relative);
}

Result<OpenFile> RootDirectory::OpenInside(const std::string& relative) const {
  // Without O_NONBLOCK a named pipe would hang the lane.
  FileDescriptor fd(open(Absolute(relative).c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd) return InputError(relative + ": " + ErrnoText(errno));
  struct stat status {};
  if (fstat(fd.get(), &status) != 0) return InputError(relative + ": " + ErrnoText(errno));
  if (!S_ISREG(status.st_mode)) return InputError(relative + ": not a regular file");
  if (!Within(RealPath(fd.get()), path_)) {
    return InputError(relative + ": a symbolic link leads out of the input folder");
  }
  return OpenFile{std::move(fd), static_cast<std::uint64_t>(status.st_size)};
}

bool RootDirectory::Has(const std::string& relative) const {
  return OpenInside(relative).has_value();
}

bool RootDirectory::IsAbsent(const std::string& relative) const {
  struct stat status {};
  return lstat(Absolute(relative).c_str(), &status) != 0 && (errno == ENOENT || errno == ENOTDIR ||
                                                             errno == ENAMETOOLONG);
}

Result<std::string> ReadAll(const OpenFile& file, std::uint64_t limit) {
  std::string bytes;
  // The file may grow or shrink while it is read: what counts is what was read.
  for (std::size_t room = std::min(file.size, limit) + 1;; room = 1 << 16) {
    const std::size_t at = bytes.size();
    bytes.resize(at + room);
    const ssize_t got = Retry([&] { return read(file.fd.get(), bytes.data() + at, room); });
    if (got < 0) return InputError(ErrnoText(errno));
    bytes.resize(at + static_cast<std::size_t>(got));
    if (got == 0) return bytes;
    if (bytes.size() > limit) {
      return InputError("more than " + std::to_string(limit) + " bytes");
    }
  }
}

Result<std::string> ReadAt(int fd, std::uint64_t offset, std::uint64_t length) {
  std::string bytes(length, '\0');
  for (std::size_t done = 0; done < length;) {
    const ssize_t got = Retry([&] {
      return pread(fd, bytes.data() + done, length - done, static_cast<off_t>(offset + done));
    });
    if (got < 0) return InputError(ErrnoText(errno));
    if (got == 0) return InputError("the file became shorter while it was in use");
    done += static_cast<std::size_t>(got);
  }
  return bytes;
}

}  // namespace winnow::ingest
