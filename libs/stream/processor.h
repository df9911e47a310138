// A stage as a pure function: record and state in, outcome out. Runners do all I/O.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/base/clock.h"
#include "libs/base/result.h"
#include "libs/record/image_record.h"

namespace winnow::stream {

// Records with the same scope value are processed in order, one at a time; others in parallel.
enum class OrderingScope {
  kNone,        // any record on its own
  kSource,      // one camera's frames in order; sources without time run like kNone
  kCollection,  // one order for all
};

// What a processor reads of its own state: committed entries plus the writes of its earlier
// outcomes. Keys are bytes, ordered bytewise.
class StateView {
 public:
  virtual ~StateView() = default;
  // nullopt: no such key.
  virtual Result<std::optional<std::string>> Get(std::string_view key) const = 0;
  // Calls `visit` for each entry whose key starts with `prefix`, in key order, until it returns
  // false. The views passed are valid during the call only.
  virtual Status Scan(std::string_view prefix,
                      const std::function<bool(std::string_view key, std::string_view value)>&
                          visit) const = 0;
};

struct StateWrite {
  std::string key;
  std::optional<std::string> value;  // nullopt deletes
};

// A record deferred earlier whose fate this outcome decides.
struct Settlement {
  record::ImageRecord record;  // as deferred, with the new verdict appended to its history
  record::Disposition disposition = record::Disposition::kForwarded;  // or kRejected
  record::Reason reason = record::Reason::kNone;
};

// What a stage says about one record. `record` carries the stage's verdict in its history.
struct Outcome {
  record::Disposition disposition = record::Disposition::kForwarded;
  record::Reason reason = record::Reason::kNone;
  record::ImageRecord record;
  // Deferred records admitted or given up because of this one, in the order they go on, after
  // `record` itself if that is forwarded.
  std::vector<Settlement> settled;
  std::vector<StateWrite> writes;
};

// What a processor's view of its state weighs (an index).
struct ViewFigures {
  std::uint64_t entries = 0;
  std::uint64_t memory_bytes = 0;
  std::uint64_t disk_bytes = 0;  // of what it keeps in files besides
};

// One stage. A processor does no I/O, logs nothing, reads no clock and draws no random number:
// the same record, state and time give the same outcome. Not thread-safe; a runner makes one per
// lane (kNone, kSource) or one in all (kCollection).
//
// It may hold a view of its state in memory (an index), built by Open. After a failed commit the
// runner throws the processor away and opens a new one.
class Processor {
 public:
  virtual ~Processor() = default;

  // "validator"; also the name of its state and the label of its metrics.
  virtual std::string_view name() const = 0;
  virtual OrderingScope scope() const = 0;
  // How much of a record it has to see. The rest goes on as it came.
  virtual record::Extent sees() const { return record::Extent::kWhole; }

  // Called once, before Process.
  virtual Status Open(const StateView&) { return {}; }

  // The image of that record is erased: nothing that arrives later may be judged by it. Returns the
  // writes that take it out of the state, none if the stage holds nothing of it.
  virtual Result<std::vector<StateWrite>> Forget(const RecordId&, const StateView&) {
    return std::vector<StateWrite>();
  }

  // Cheap and thread-safe: may be asked while Process runs.
  virtual ViewFigures View() const { return {}; }

  // A refused image is an Outcome. An Error means the stage could not judge: the runner stops or
  // retries and never passes the record on.
  virtual Result<Outcome> Process(record::ImageRecord record, const StateView& state,
                                  Timestamp now) = 0;
};

using ProcessorFactory = std::function<Result<std::unique_ptr<Processor>>()>;

// Appends a verdict to `record` and builds the outcome, so that the two never disagree.
// `verdict.disposition` and `.reason` become the outcome's.
Outcome Conclude(record::ImageRecord record, record::StageVerdict verdict);

}  // namespace winnow::stream
