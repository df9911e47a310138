// A disk in memory that fails, fills up or loses power at a chosen call.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/dataset/files.h"

namespace winnow::testing {

// Keeps what a real disk keeps: contents up to the last Sync of the file, names up to the last
// SyncDirectory. Not thread-safe.
//
// Tests run the code under test once to count the calls, then once per call with a fault there.
class FaultyFiles : public dataset::Files {
 public:
  enum class Fault {
    kDiskFull,  // the call fails as on a full disk; an Append has written half. Later calls work
    kKilled,    // the process dies in the call: half of an Append is written, later calls fail.
                // What was written stays (kill -9)
    kPowerCut,  // as kKilled, and Restart loses all that was not synced
    kTornCut,   // as kPowerCut, but half of each file's unsynced bytes and all names survive
  };

  // The call with this number (from 0, since the last Restart) fails.
  void FailAt(std::uint64_t call, Fault fault);

  // The machine is up again: no fault is armed, calls count from 0.
  void Restart();

  std::uint64_t calls() const { return calls_; }
  bool fault_struck() const { return struck_; }

  // Path to contents of every file whose path starts with `prefix`.
  std::map<std::string, std::string> Contents(const std::string& prefix) const;
  void Put(const std::string& path, std::string contents);  // durable at once
  void Erase(const std::string& path);

  Result<std::unique_ptr<dataset::AppendFile>> OpenAppend(const std::string& path) override;
  Status Truncate(const std::string& path, std::uint64_t length) override;
  Result<dataset::RenameOutcome> RenameNoReplace(const std::string& from,
                                                 const std::string& to) override;
  Status Replace(const std::string& from, const std::string& to) override;
  Status Remove(const std::string& path) override;
  Status SyncDirectory(const std::string& path) override;
  Status MakeDirectories(const std::string& path) override;
  Result<std::optional<std::uint64_t>> Size(const std::string& path) override;
  Result<std::vector<std::string>> List(const std::string& path) override;
  Status Read(const std::string& path, std::uint64_t length,
              const std::function<void(std::string_view)>& visit) override;

 private:
  class Handle;
  struct Inode {
    std::string written;
    std::string synced;
  };
  using Names = std::map<std::string, std::shared_ptr<Inode>>;

  // Counts the call; an Error if the fault strikes here or the machine is down.
  Status Step(const std::string& path);
  void LoseUnsynced();

  Names names_;
  Names synced_names_;
  std::uint64_t calls_ = 0;
  std::uint64_t fail_at_ = UINT64_MAX;
  Fault fault_ = Fault::kDiskFull;
  bool struck_ = false;
  bool struck_here_ = false;  // by the call now running
  bool down_ = false;
};

}  // namespace winnow::testing
