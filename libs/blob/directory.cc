#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <utility>

#include "libs/blob/blob_store.h"

namespace winnow::blob {
namespace {

constexpr std::size_t kReadBytes = 1u << 20;
constexpr const char* kStaging = "staging";
// Users of one group may share a store, if their umask lets them.
constexpr ::mode_t kOpenToUmask = 0777;

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }

 private:
  int fd_;
};

std::string Cause(std::string_view verb, const std::string& path, int error_number) {
  return fmt::format("blob store: cannot {} {}: {}", verb, path,
                     std::generic_category().message(error_number));
}

Error Failed(std::string_view verb, const std::string& path, int error_number) {
  const bool full = error_number == ENOSPC || error_number == EDQUOT;
  return UnavailableError(Cause(verb, path, error_number) +
                          (full ? "; free space in the store" : ""));
}

Status SyncDirectory(const std::string& path) {
  const Descriptor directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory.valid()) return Failed("open", path, errno);
  if (::fsync(directory.get()) != 0) return Failed("sync", path, errno);
  return {};
}

Status MakeDirectories(const std::string& path) {
  struct stat found {};
  if (::stat(path.c_str(), &found) == 0) {
    if (S_ISDIR(found.st_mode)) return {};
    return Failed("create", path, ENOTDIR);
  }
  const std::string parent = std::filesystem::path(path).parent_path().string();
  if (!parent.empty() && parent != path) WINNOW_RETURN_IF_ERROR(MakeDirectories(parent));
  if (::mkdir(path.c_str(), kOpenToUmask) != 0 && errno != EEXIST) return Failed("create", path, errno);
  return SyncDirectory(parent.empty() ? "." : parent);
}

Status WriteAll(int fd, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return Failed("write", path, errno);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  if (::fsync(fd) != 0) return Failed("sync", path, errno);
  return {};
}

// A file with a name of its own that goes with the object unless it was moved away. Locked while it
// lives, so that another process can tell it from one whose writer died.
class StagedFile {
 public:
  static Result<StagedFile> Create(const std::string& directory) {
    for (;;) {
      std::string path = directory + "/put-XXXXXX";
      const int fd = ::mkostemp(path.data(), O_CLOEXEC);
      if (fd < 0) return Failed("create", path, errno);
      StagedFile file(Descriptor(fd), path);
      if (::flock(fd, LOCK_EX) != 0) return Failed("lock", path, errno);
      if (::fchmod(fd, 0644) != 0) return Failed("set the mode of", path, errno);
      struct stat found {};
      if (::fstat(fd, &found) != 0) return Failed("look at", path, errno);
      if (found.st_nlink > 0) return file;
      file.path_.clear();  // taken for a leftover before it was locked
    }
  }
  StagedFile(StagedFile&& other) noexcept
      : file_(std::move(other.file_)), path_(std::exchange(other.path_, {})) {}
  StagedFile& operator=(StagedFile&&) = delete;
  ~StagedFile() {
    if (!path_.empty()) ::unlink(path_.c_str());
  }

  Status Write(std::string_view bytes) { return WriteAll(file_.get(), bytes, path_); }

  Status MoveTo(const std::string& to) {
    if (::rename(path_.c_str(), to.c_str()) != 0) return Failed("publish", to, errno);
    path_.clear();
    return {};
  }

 private:
  StagedFile(Descriptor file, std::string path) : file_(std::move(file)), path_(std::move(path)) {}

  Descriptor file_;
  std::string path_;
};

// What writers that died have left.
void RemoveLeftovers(const std::string& staging) {
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(staging, ignored)) {
    const std::string path = entry.path().string();
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (file.valid() && ::flock(file.get(), LOCK_EX | LOCK_NB) == 0) ::unlink(path.c_str());
  }
}

Result<std::string> ReadAll(const Descriptor& file, std::uint64_t size, const std::string& path) {
  std::string bytes(size, '\0');
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t got =
        ::read(file.get(), bytes.data() + done, std::min(kReadBytes, bytes.size() - done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Failed("read", path, errno);
    if (got == 0) return InputError("blob store: " + path + " was cut short while it was read");
    done += static_cast<std::size_t>(got);
  }
  return bytes;
}

class DirectoryStore : public BlobStore {
 public:
  explicit DirectoryStore(std::string directory) : directory_(std::move(directory)) {}

  // All places at once, so that a missing one later means a store that is gone (not mounted), which
  // a missing blob must not be mistaken for.
  Status Prepare() {
    WINNOW_RETURN_IF_ERROR(MakeDirectories(directory_));
    for (int first = 0; first < 256; ++first) {
      const std::string path = fmt::format("{}/{:02x}", directory_, first);
      if (::mkdir(path.c_str(), kOpenToUmask) != 0 && errno != EEXIST) {
        return Failed("create", path, errno);
      }
      struct stat found {};
      if (::stat(path.c_str(), &found) != 0) return Failed("look at", path, errno);
      if (!S_ISDIR(found.st_mode)) return Failed("use", path, ENOTDIR);
    }
    WINNOW_RETURN_IF_ERROR(MakeDirectories(Staging()));
    RemoveLeftovers(Staging());
    WINNOW_ASSIGN_OR_RETURN(const StagedFile probe, StagedFile::Create(Staging()));
    return SyncDirectory(directory_);
  }

  Status Put(const Sha256Digest& digest, std::string_view bytes) override {
    if (Sha256(bytes) != digest) {
      return BugError("blob store: bytes were put under a digest that is not theirs");
    }
    // What is there may be the work of a process that has not synced the name yet, or damaged.
    const Result<SharedBytes> there = Get(digest, bytes.size());
    if (!there && there.error().code != ErrorCode::kInput) return there.error();
    // Needed again: its time begins anew, for those who delete by age.
    const bool renewed = there && ::utimensat(AT_FDCWD, PathOf(digest).c_str(), nullptr, 0) == 0;
    if (renewed) return SyncDirectory(PlaceOf(digest));
    WINNOW_ASSIGN_OR_RETURN(StagedFile file, StagedFile::Create(Staging()));
    WINNOW_RETURN_IF_ERROR(file.Write(bytes));
    WINNOW_RETURN_IF_ERROR(file.MoveTo(PathOf(digest)));
    return SyncDirectory(PlaceOf(digest));
  }

  Result<SharedBytes> Get(const Sha256Digest& digest, std::uint64_t max_bytes) const override {
    const std::string path = PathOf(digest);
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (!file.valid()) return WhyNotOpened(digest, errno);
    struct stat found {};
    if (::fstat(file.get(), &found) != 0) return Failed("look at", path, errno);
    if (!S_ISREG(found.st_mode)) return InputError("blob store: " + path + " is not a file");
    const auto size = static_cast<std::uint64_t>(found.st_size);
    if (size > max_bytes) {
      return InputError(fmt::format("blob store: {} has {} bytes, allowed are {}", path, size,
                                    max_bytes));
    }
    WINNOW_ASSIGN_OR_RETURN(std::string bytes, ReadAll(file, size, path));
    if (Sha256(bytes) != digest) {
      return InputError("blob store: " + path + " is damaged: its bytes do not match its name");
    }
    return SharedBytes(std::move(bytes));
  }

 private:
  std::string Staging() const { return directory_ + "/" + kStaging; }
  std::string PlaceOf(const Sha256Digest& digest) const {
    return fmt::format("{}/{:02x}", directory_, digest[0]);
  }
  std::string PathOf(const Sha256Digest& digest) const {
    return PlaceOf(digest) + "/" + ToHex(digest);
  }

  Error WhyNotOpened(const Sha256Digest& digest, int error_number) const {
    const std::string path = PathOf(digest);
    struct stat found {};
    const bool place_is_there = ::stat(PlaceOf(digest).c_str(), &found) == 0;
    if (error_number == ENOENT && place_is_there) {
      return InputError("blob store: " + path + " is not there");
    }
    // A symbolic link or a socket under the name: nothing this store wrote.
    if (error_number == ELOOP || error_number == ENXIO) {
      return InputError("blob store: " + path + " is not a file");
    }
    return Failed("open", path, error_number);
  }

  const std::string directory_;
};

}  // namespace

Result<std::unique_ptr<BlobStore>> OpenDirectory(const std::string& directory) {
  if (directory.empty()) return ConfigError("no directory was given for the blob store");
  auto store = std::make_unique<DirectoryStore>(directory);
  if (const Status prepared = store->Prepare(); !prepared) {
    return ConfigError(prepared.error().message);
  }
  return store;
}

}  // namespace winnow::blob
