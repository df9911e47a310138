// Internal to libs/kafka: one partition of a sink: its output, how far it was read, and what is
// written but not published yet.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>

#include "libs/base/result.h"
#include "libs/kafka/headers.h"
#include "libs/record/image_record.h"
#include "libs/stream/partition_output.h"
#include "libs/stream/stage_observer.h"

namespace winnow::kafka {

// One thread.
class SinkPartition {
 public:
  using SteadyTime = std::chrono::steady_clock::time_point;

  explicit SinkPartition(int number) : number_(number) {}

  int number() const { return number_; }
  bool ready() const { return output_ != nullptr; }

  // Opens `output`, to read on from position().
  Status Open(std::unique_ptr<stream::PartitionOutput> output);
  // Lets go of the output after an Error; what it had not published will be read again.
  void Drop();

  // Next offset to hand over.
  std::int64_t position() const { return position_; }
  // All offsets below are published, dead letters, or hold nothing.
  std::int64_t published_until() const;
  // Read to this end of the log: from position() on there are only markers of transactions.
  void ReachedEnd(std::int64_t end) { position_ = std::max(position_, end); }

  // Writes the record read at `offset`, of `bytes` as a message.
  Result<stream::AppendResult> Append(record::ImageRecord& record, std::int64_t offset,
                                      std::uint64_t bytes, SteadyTime now);
  // The message there has become a dead letter.
  void PassOver(DeadReason reason, std::int64_t offset, std::uint64_t bytes, SteadyTime now);

  // Publishes what is open if nothing has come for `idle` (zero: never), and notes how far the
  // partition got now and then if there is nothing to publish.
  Status SealIfDue(std::chrono::milliseconds idle, SteadyTime now);

  // Takes what was replaced out of one published part, if more parts were published than rewritten
  // or nothing has come for `idle` (zero: never).
  Status TakeOutIfDue(std::chrono::milliseconds idle, SteadyTime now);

  // Adds to `report` what was published since the last call. True if there was something.
  bool TakePublished(stream::BatchReport& report);
  // Bytes of messages not published.
  std::uint64_t open_bytes() const { return open_bytes_; }

  std::uint64_t open_parts() const { return output_ ? output_->open_parts() : 0; }
  // When the oldest of them got its first record. As of the last TakePublished.
  std::optional<SteadyTime> open_since() const;
  // Parts published since the last call, also by an output that was dropped.
  std::uint64_t TakePublishedParts();
  // What was given up since the last call, likewise.
  stream::TakenOut NewlyTakenOut();

 private:
  struct Entry {
    std::int64_t offset;
    std::uint64_t bytes;
    std::optional<DeadReason> dead;
    SteadyTime at;
  };

  bool IsIdle(std::chrono::milliseconds idle, SteadyTime now) const {
    return idle.count() > 0 && now - last_record_ >= idle;
  }
  void Passed(std::int64_t offset, SteadyTime now);
  void Note(Entry entry);

  const int number_;
  std::unique_ptr<stream::PartitionOutput> output_;
  std::int64_t position_ = 0;
  std::int64_t sealed_until_ = 0;
  SteadyTime last_record_{};
  std::deque<Entry> unpublished_;
  std::uint64_t open_bytes_ = 0;
  std::uint64_t parts_of_dropped_ = 0;
  std::uint64_t parts_taken_ = 0;
  std::uint64_t parts_seen_ = 0;  // published by output_
  std::uint64_t rewrites_due_ = 0;
  stream::TakenOut taken_out_of_dropped_;
};

}  // namespace winnow::kafka
