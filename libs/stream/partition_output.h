// The durable end of a partitioned log: what a sink writes from one partition, exactly once,
// without a transaction and without state of its own.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "libs/base/result.h"
#include "libs/record/image_record.h"

namespace winnow::stream {

enum class AppendResult {
  kTaken,      // in a part that will be published
  kPublished,  // at an offset that a published part covers already: nothing to do
  kRepeated,   // the same record id was stored before, under another offset
};

// Writes parts (shards), each covering a range of offsets. What is published says which offsets it
// covers, so the log is read again from the first offset that no published part covers and the
// group's committed offset is for display only. Two writers of one partition (a zombie and its
// successor) can both write; only one can publish a given range.
//
// Protocol: Open -> (Append | Seal)*. One thread. After an Error throw it away and make a new one.
class PartitionOutput {
 public:
  virtual ~PartitionOutput() = default;

  // Finishes publications that were begun, clears away leftovers of this partition and returns the
  // offset to read from. kCorruptState if the published ranges have a gap or overlap.
  virtual Result<std::int64_t> Open() = 0;

  // Takes a stored record with SafePayload bytes and placement.split set; fills the rest of the
  // placement. Offsets ascend. Publishes parts that are full. kUnavailable if another writer has
  // published the range.
  virtual Result<AppendResult> Append(record::ImageRecord& record, std::int64_t offset) = 0;

  // Publishes everything appended so far, up to but excluding `end_offset`.
  virtual Status Seal(std::int64_t end_offset) = 0;

  // All offsets below are in published parts or hold nothing to publish.
  virtual std::int64_t published_until() const = 0;
  // Records appended but not published.
  virtual std::uint64_t open_records() const = 0;
  // Parts that hold them.
  virtual std::uint64_t open_parts() const = 0;
  // Parts published since Open.
  virtual std::uint64_t published_parts() const = 0;
};

// For one partition number.
using PartitionOutputFactory =
    std::function<Result<std::unique_ptr<PartitionOutput>>(int partition)>;

}  // namespace winnow::stream
