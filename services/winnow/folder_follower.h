// A folder that others write into, looked at again and again.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <unordered_map>

#include "libs/base/result.h"
#include "libs/stream/source.h"

namespace winnow::cli {

// Tells the files of a folder that are new or changed, and complete: whose size and time were the
// same when they were looked at before. One thread.
class FolderFollower {
 public:
  // The folder as it is now.
  using Open = std::function<Result<std::unique_ptr<stream::Source>>()>;
  // Whether this version of the entry was dealt with.
  using IsDone = std::function<Result<bool>(const stream::SourceEntry&)>;
  using Take = std::function<Status(const stream::Source&, const stream::SourceEntry&)>;

  FolderFollower(Open open, IsDone is_done);

  // What one look found.
  struct Look {
    // Kept until the next look, for who has to load an entry once more; null if it did not open.
    std::unique_ptr<stream::Source> source;
    // The folder could not be read, or not wholly: it may be written to at this moment, or away.
    // It is looked at again; files seen before still count as seen.
    Status folder{};
    // What `is_done` or `take` said: that is not the folder's fault.
    Status taking{};
  };
  // Calls `take` with what is complete and not done; ends early at its Error or when it is enough.
  Look LookAgain(const Take& take, const std::function<bool()>& enough);

  // Files that may still be written to: seen once in this state.
  std::uint64_t waiting() const { return waiting_; }

 private:
  // Of each file not done, by a hash of its name: a hash of its version. 16 bytes for a file that
  // waits instead of its path; if two collide, one of them waits for another look.
  using Seen = std::unordered_map<std::uint64_t, std::uint64_t>;

  enum class Ripeness { kDone, kWaiting, kComplete };
  Result<Ripeness> Visit(const stream::SourceEntry& entry, Seen& now) const;

  const Open open_;
  const IsDone is_done_;
  Seen seen_{};
  std::uint64_t waiting_ = 0;
};

}  // namespace winnow::cli
