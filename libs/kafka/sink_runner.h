// The sink as a service: reads a topic into a PartitionOutput per partition. No transaction and no
// state: what is published says how far it got.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>

#include "libs/base/ids.h"
#include "libs/base/result.h"
#include "libs/blob/blob_store.h"
#include "libs/kafka/client_config.h"
#include "libs/kafka/topics.h"
#include "libs/stream/partition_output.h"
#include "libs/stream/processor.h"
#include "libs/stream/stage_observer.h"

namespace winnow::kafka {

struct SinkOptions {
  ClientConfig client;
  std::string stage = "sink";
  std::string topic_prefix;
  std::string instance;  // static group member
  Topic input = Topic::kSelected;
  CollectionId collection;
  blob::BlobStore* safe_blobs = nullptr;  // may be null: then references are dead letters
  std::uint64_t max_payload_bytes = 256u << 20;
  // Parts left open this long without a new record are published as they are. Zero: never. Safe at
  // any moment, since a part says which offsets it covers.
  std::chrono::milliseconds seal_when_idle{600'000};
  std::chrono::milliseconds session_timeout{20'000};
  std::chrono::milliseconds drain_timeout{25'000};
  const std::atomic<bool>* stop = nullptr;
  stream::StageObserver* observer = nullptr;  // may be null
};

// As RunStage. Records the sink cannot store (undecodable, blob lost) are produced to images.dead
// and confirmed by the broker before anything after them is published; a redo may send such a dead
// letter twice, with the same origin. kCorruptState if the log no longer holds records that are
// not published.
//
// The observer is told of a batch when its records are published, and of a record (Concluded) when
// it is written into a part. A record stored before counts as stored. Lag is counted from what is
// published, as the group's offsets are.
Status RunSink(const SinkOptions& options, const stream::ProcessorFactory& factory,
               const stream::PartitionOutputFactory& outputs);

}  // namespace winnow::kafka
