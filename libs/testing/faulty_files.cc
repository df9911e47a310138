#include "libs/testing/faulty_files.h"

#include <cerrno>
#include <utility>

namespace winnow::testing {
namespace {

using dataset::FileError;
using dataset::RenameOutcome;

std::string DirectoryOf(const std::string& path) { return path.substr(0, path.rfind('/')); }

}  // namespace

class FaultyFiles::Handle : public dataset::AppendFile {
 public:
  Handle(FaultyFiles& disk, std::string path, std::shared_ptr<Inode> inode)
      : disk_(disk), path_(std::move(path)), inode_(std::move(inode)) {}

  Status Append(std::string_view bytes) override {
    const Status step = disk_.Step(path_);
    if (!step && !disk_.struck_here_) return step;
    inode_->written.append(step ? bytes : bytes.substr(0, bytes.size() / 2));
    return step;
  }

  Status Sync() override {
    WINNOW_RETURN_IF_ERROR(disk_.Step(path_));
    inode_->synced = inode_->written;
    return {};
  }

 private:
  FaultyFiles& disk_;
  std::string path_;
  std::shared_ptr<Inode> inode_;
};

void FaultyFiles::FailAt(std::uint64_t call, Fault fault) {
  fail_at_ = call;
  fault_ = fault;
}

Status FaultyFiles::Step(const std::string& path) {
  struck_here_ = false;
  if (down_) return UnavailableError("the machine is down");
  if (calls_++ != fail_at_) return {};
  struck_ = struck_here_ = true;
  if (fault_ == Fault::kDiskFull) return FileError("write", path, ENOSPC);
  down_ = true;
  return UnavailableError("the process died");
}

void FaultyFiles::Restart() {
  if (struck_ && (fault_ == Fault::kPowerCut || fault_ == Fault::kTornCut)) LoseUnsynced();
  calls_ = 0;
  fail_at_ = UINT64_MAX;
  struck_ = down_ = struck_here_ = false;
}

void FaultyFiles::LoseUnsynced() {
  const bool torn = fault_ == Fault::kTornCut;
  if (!torn) names_ = synced_names_;
  for (auto& [path, inode] : names_) {
    const std::size_t kept = inode->synced.size();
    const bool grew = inode->written.size() > kept;
    if (torn && grew) {
      inode->written.resize(kept + (inode->written.size() - kept) / 2);
    } else {
      inode->written = inode->synced;
    }
    inode->synced = inode->written;
  }
  synced_names_ = names_;
}

std::map<std::string, std::string> FaultyFiles::Contents(const std::string& prefix) const {
  std::map<std::string, std::string> contents;
  for (const auto& [path, inode] : names_) {
    if (path.rfind(prefix, 0) == 0) contents[path] = inode->written;
  }
  return contents;
}

void FaultyFiles::Put(const std::string& path, std::string contents) {
  names_[path] = std::make_shared<Inode>(Inode{contents, contents});
  synced_names_[path] = names_[path];
}

void FaultyFiles::Erase(const std::string& path) {
  names_.erase(path);
  synced_names_.erase(path);
}

Result<std::unique_ptr<dataset::AppendFile>> FaultyFiles::OpenAppend(const std::string& path) {
  WINNOW_RETURN_IF_ERROR(Step(path));
  auto& inode = names_[path];
  if (!inode) inode = std::make_shared<Inode>();
  return std::make_unique<Handle>(*this, path, inode);
}

Status FaultyFiles::Truncate(const std::string& path, std::uint64_t length) {
  WINNOW_RETURN_IF_ERROR(Step(path));
  const auto found = names_.find(path);
  if (found == names_.end()) return FileError("truncate", path, ENOENT);
  found->second->written.resize(length);
  return {};
}

Result<RenameOutcome> FaultyFiles::RenameNoReplace(const std::string& from,
                                                   const std::string& to) {
  WINNOW_RETURN_IF_ERROR(Step(to));
  const auto found = names_.find(from);
  if (found == names_.end()) return FileError("publish", from, ENOENT);
  if (!names_.emplace(to, found->second).second) return RenameOutcome::kTargetExists;
  names_.erase(found);
  return RenameOutcome::kRenamed;
}

Status FaultyFiles::Replace(const std::string& from, const std::string& to) {
  WINNOW_RETURN_IF_ERROR(Step(to));
  const auto found = names_.find(from);
  if (found == names_.end()) return FileError("replace", from, ENOENT);
  names_[to] = found->second;
  names_.erase(from);
  return {};
}

Status FaultyFiles::Remove(const std::string& path) {
  WINNOW_RETURN_IF_ERROR(Step(path));
  names_.erase(path);
  return {};
}

Status FaultyFiles::SyncDirectory(const std::string& path) {
  WINNOW_RETURN_IF_ERROR(Step(path));
  std::erase_if(synced_names_, [&](const auto& name) { return DirectoryOf(name.first) == path; });
  for (const auto& [name, inode] : names_) {
    if (DirectoryOf(name) == path) synced_names_[name] = inode;
  }
  return {};
}

Status FaultyFiles::MakeDirectories(const std::string& path) { return Step(path); }

Result<std::optional<std::uint64_t>> FaultyFiles::Size(const std::string& path) {
  WINNOW_RETURN_IF_ERROR(Step(path));
  const auto found = names_.find(path);
  if (found == names_.end()) return std::optional<std::uint64_t>();
  return std::optional<std::uint64_t>(found->second->written.size());
}

Result<std::vector<std::string>> FaultyFiles::List(const std::string& path) {
  WINNOW_RETURN_IF_ERROR(Step(path));
  std::vector<std::string> names;
  for (const auto& [name, inode] : names_) {
    if (DirectoryOf(name) == path) names.push_back(name.substr(path.size() + 1));
  }
  return names;
}

Status FaultyFiles::Read(const std::string& path, std::uint64_t length,
                         const std::function<void(std::string_view)>& visit) {
  WINNOW_RETURN_IF_ERROR(Step(path));
  const auto found = names_.find(path);
  if (found == names_.end()) return FileError("open", path, ENOENT);
  const std::string& bytes = found->second->written;
  if (bytes.size() < length) return CorruptStateError(path + " is shorter than recorded");
  visit(std::string_view(bytes).substr(0, length));
  return {};
}

}  // namespace winnow::testing
