// The durable end of a partitioned log: what a sink writes from one partition, exactly once,
// without a transaction and without state of its own.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "libs/base/result.h"
#include "libs/record/image_record.h"

namespace winnow::stream {

enum class AppendResult {
  kTaken,      // in a part that will be published
  kPublished,  // at an offset that a published part covers already: nothing to do
  kRepeated,   // the same record id was stored, or replaced, before, under another offset
};

// Records that were stored and are not any more: a better copy took their place.
struct TakenOut {
  std::uint64_t records = 0;
  std::map<std::string, std::uint64_t> class_counts = {};  // of them, those with such a label

  TakenOut& operator+=(const TakenOut& more) {
    records += more.records;
    for (const auto& [label, images] : more.class_counts) class_counts[label] += images;
    return *this;
  }
};

// Writes parts (shards), each covering a range of offsets. What is published says which offsets it
// covers, so the log is read again from the first offset that no published part covers and the
// group's committed offset is for display only. Two writers of one partition (a zombie and its
// successor) can both write; only one can publish a given range.
//
// A record may take the place of earlier ones of its partition (record::Duplicate::replaces). They
// stay visible until its part is published and, where they are in a part themselves, until TakeOut.
//
// Protocol: Open -> (Append | Seal | TakeOut)*. One thread. After an Error throw it away and make a
// new one.
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

  // Takes what was replaced out of one published part, that which has waited longest: as much work
  // as publishing it was. False if there was none. kUnavailable if another writer did so.
  virtual Result<bool> TakeOut() = 0;

  // What was given up since the last call, with what never got into a published part.
  virtual TakenOut NewlyTakenOut() = 0;

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
