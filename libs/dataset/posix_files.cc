#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>

#include "libs/dataset/files.h"

namespace winnow::dataset {
namespace {

constexpr std::size_t kReadBytes = 1u << 20;

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }

 private:
  int fd_;
};

class PosixAppendFile : public AppendFile {
 public:
  PosixAppendFile(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}

  Status Append(std::string_view bytes) override {
    while (!bytes.empty()) {
      const ssize_t written = ::write(fd_.get(), bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return FileError("write", path_, errno);
      bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
  }

  Status Sync() override {
    if (::fsync(fd_.get()) != 0) return FileError("sync", path_, errno);
    return {};
  }

 private:
  Descriptor fd_;
  std::string path_;
};

// For file systems without renameat2 (NFS, old kernels): link never replaces either.
Result<RenameOutcome> LinkNoReplace(const std::string& from, const std::string& to) {
  if (::link(from.c_str(), to.c_str()) != 0) {
    if (errno == EEXIST) return RenameOutcome::kTargetExists;
    return FileError("publish", to, errno);
  }
  if (::unlink(from.c_str()) != 0) return FileError("remove", from, errno);
  return RenameOutcome::kRenamed;
}

class PosixFilesImpl : public Files {
 public:
  Result<std::unique_ptr<AppendFile>> OpenAppend(const std::string& path) override {
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (fd < 0) return FileError("open", path, errno);
    return std::make_unique<PosixAppendFile>(fd, path);
  }

  Status Truncate(const std::string& path, std::uint64_t length) override {
    if (::truncate(path.c_str(), static_cast<off_t>(length)) != 0) {
      return FileError("truncate", path, errno);
    }
    return {};
  }

  Result<RenameOutcome> RenameNoReplace(const std::string& from, const std::string& to) override {
    if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) {
      return RenameOutcome::kRenamed;
    }
    if (errno == EEXIST) return RenameOutcome::kTargetExists;
    if (errno == EINVAL || errno == ENOSYS || errno == ENOTSUP) return LinkNoReplace(from, to);
    return FileError("publish", to, errno);
  }

  Status Replace(const std::string& from, const std::string& to) override {
    if (::rename(from.c_str(), to.c_str()) != 0) return FileError("replace", to, errno);
    return {};
  }

  Status Remove(const std::string& path) override {
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) return FileError("remove", path, errno);
    return {};
  }

  Status SyncDirectory(const std::string& path) override {
    const Descriptor directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!directory.valid()) return FileError("open", path, errno);
    if (::fsync(directory.get()) != 0) return FileError("sync", path, errno);
    return {};
  }

  Status MakeDirectories(const std::string& path) override {
    if (path.empty() || path == "/") return {};
    struct stat found {};
    if (::stat(path.c_str(), &found) == 0) {
      if (S_ISDIR(found.st_mode)) return {};
      return FileError("create", path, ENOTDIR);
    }
    std::string parent = std::filesystem::path(path).parent_path().string();
    WINNOW_RETURN_IF_ERROR(MakeDirectories(parent));
    if (::mkdir(path.c_str(), 0755) != 0 && errno != EEXIST) {
      return FileError("create", path, errno);
    }
    if (parent.empty()) parent = ".";
    return SyncDirectory(parent);
  }

  Result<std::optional<std::uint64_t>> Size(const std::string& path) override {
    struct stat found {};
    if (::stat(path.c_str(), &found) == 0) {
      return std::optional<std::uint64_t>(static_cast<std::uint64_t>(found.st_size));
    }
    if (errno == ENOENT) return std::optional<std::uint64_t>();
    return FileError("look at", path, errno);
  }

  Result<std::vector<std::string>> List(const std::string& path) override {
    std::vector<std::string> names;
    DIR* directory = ::opendir(path.c_str());
    if (directory == nullptr) {
      if (errno == ENOENT) return names;
      return FileError("list", path, errno);
    }
    while (const dirent* entry = ::readdir(directory)) {
      struct stat found {};
      const std::string name = entry->d_name;
      if (::stat(JoinPath(path, name).c_str(), &found) == 0 && S_ISREG(found.st_mode)) {
        names.push_back(name);
      }
    }
    ::closedir(directory);
    std::sort(names.begin(), names.end());
    return names;
  }

  Status Read(const std::string& path, std::uint64_t length,
              const std::function<void(std::string_view)>& visit) override {
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file.valid()) return FileError("open", path, errno);
    std::string buffer(std::min<std::uint64_t>(kReadBytes, length), '\0');
    while (length > 0) {
      const ssize_t got =
          ::read(file.get(), buffer.data(), std::min<std::uint64_t>(buffer.size(), length));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return FileError("read", path, errno);
      if (got == 0) {
        return CorruptStateError(fmt::format("{} is {} bytes shorter than recorded", path, length));
      }
      visit(std::string_view(buffer.data(), static_cast<std::size_t>(got)));
      length -= static_cast<std::uint64_t>(got);
    }
    return {};
  }
};

std::string_view Remedy(int error_number) {
  switch (error_number) {
    case ENOSPC:
    case EDQUOT: return "free space and run the same command again";
    case EACCES:
    case EPERM:
    case EROFS: return "make it writable for this user and run the same command again";
    case EMFILE:
    case ENFILE: return "raise the open-file limit and run the same command again";
    default: return "mend the cause and run the same command again; nothing committed is lost";
  }
}

}  // namespace

Files& PosixFiles() {
  static PosixFilesImpl files;
  return files;
}

Error FileError(std::string_view verb, const std::string& path, int error_number) {
  return UnavailableError(fmt::format("cannot {} {}: {}; {}", verb, path,
                                      std::generic_category().message(error_number),
                                      Remedy(error_number)));
}

Status WriteFileAtomically(Files& files, const std::string& path, std::string_view bytes) {
  const std::string temporary = path + ".tmp";
  WINNOW_RETURN_IF_ERROR(files.Remove(temporary));
  {
    WINNOW_ASSIGN_OR_RETURN(auto file, files.OpenAppend(temporary));
    WINNOW_RETURN_IF_ERROR(file->Append(bytes));
    WINNOW_RETURN_IF_ERROR(file->Sync());
  }
  WINNOW_RETURN_IF_ERROR(files.Replace(temporary, path));
  const std::string parent = std::filesystem::path(path).parent_path().string();
  return files.SyncDirectory(parent.empty() ? "." : parent);
}

std::string JoinPath(const std::string& directory, std::string_view name) {
  return directory + "/" + std::string(name);
}

}  // namespace winnow::dataset
