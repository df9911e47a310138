// KafkaRunner: one stage of the pipeline as a service.
//
// Promises:
//   - Each message of the input topic has exactly one outcome, whatever dies when: outputs,
//     refusals, dead letters, changelog and input offsets are committed in one Kafka transaction;
//     state follows from the changelog. Readers must read committed.
//   - Records with the same ordering scope are processed in order; others in parallel lanes.
//   - Bytes in flight are bounded; beyond the bound partitions are paused, not the group's
//     heartbeats.
//   - A processor sees the state its earlier outcomes left, also while they are being committed.
// The recipe, its threads and its reaction to every error: README.md.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "libs/base/ids.h"
#include "libs/base/result.h"
#include "libs/blob/blob_store.h"
#include "libs/kafka/client_config.h"
#include "libs/kafka/topics.h"
#include "libs/stream/processor.h"
#include "libs/stream/stage_observer.h"

namespace winnow::kafka {

// What a stage does with the image bytes of its input.
enum class PayloadUse {
  kBytes,        // needs them: fetched from the blob store where the message has a reference
  kUntouched,    // passes on what came, bytes or reference
  kByReference,  // keeps records in its state: bytes go to the blob store before it sees them
};

// A commit is due when any of these is reached.
struct CommitLimits {
  std::uint64_t records = 1000;
  std::uint64_t bytes = 32u << 20;  // of messages read and state written
  std::chrono::milliseconds interval{200};  // since the first record of the batch
};

// Points at which a crash is worth trying.
enum class CrashPoint {
  kBeforeProduce, kBeforeSendOffsets, kBeforeCommit, kAfterCommit, kAfterStateWrite
};

struct StageOptions {
  ClientConfig client;
  std::string stage;         // "deduper"; equals Processor::name()
  std::string topic_prefix;
  // Stable name of this process slot, unique within the stage ("deduper-0"): names the static
  // group member and, with the group, the transactional id. Two processes under one name fence
  // each other.
  std::string instance;
  Topic input = Topic::kRaw;
  Topic output = Topic::kValid;
  // Where it may put what it does not pass on: these and `output` must be there and writable. A
  // processor that has more to put is a bug.
  std::vector<Topic> beside = {Topic::kRejected, Topic::kReview, Topic::kDeferred, Topic::kDead};
  PayloadUse payload = PayloadUse::kBytes;
  bool stateful = false;        // has a changelog topic; then state_directory is needed
  std::string state_directory;  // one RocksDB per partition below it
  CollectionId collection;      // messages of other collections are dead letters
  ScopeOf scope_of = nullptr;   // the key of images.safe, see KeyOf; called by all lanes
  std::size_t lanes = 1;
  CommitLimits commit;
  std::uint64_t max_bytes_in_flight = 128u << 20;  // of messages, read but not committed
  // Larger payloads go by reference. Needs a blob store of the output's zone; without one a record
  // too large for its topic is a dead letter.
  std::uint64_t inline_max_bytes = 900'000;
  blob::BlobStore* raw_blobs = nullptr;   // may be null
  blob::BlobStore* safe_blobs = nullptr;  // may be null, not with kByReference
  std::chrono::milliseconds session_timeout{20'000};
  std::chrono::milliseconds transaction_timeout{60'000};
  // After `stop` is set: what is in flight is finished and committed within this time, or given up.
  std::chrono::milliseconds drain_timeout{25'000};
  const std::atomic<bool>* stop = nullptr;
  stream::StageObserver* observer = nullptr;  // may be null
  // For tests.
  std::function<void(CrashPoint)> at_crash_point = nullptr;
};

// Runs until `stop` is set (then success) or an Error that a restart may mend (kUnavailable:
// fenced, broker refuses; kCorruptState: state directory of another partition, topic or format) or
// a person must (kConfig: a topic is missing or has the wrong number of partitions, credentials are
// refused). Broker outages are waited out, not returned.
Status RunStage(const StageOptions& options, const stream::ProcessorFactory& factory);

}  // namespace winnow::kafka
