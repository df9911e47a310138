// Internal to libs/kafka: what a sink makes of one message before it is written anywhere. Knows no
// broker.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "libs/base/ids.h"
#include "libs/base/result.h"
#include "libs/blob/blob_store.h"
#include "libs/kafka/headers.h"
#include "libs/kafka/intake.h"
#include "libs/kafka/record_producer.h"
#include "libs/kafka/topics.h"
#include "libs/record/image_record.h"
#include "libs/stream/processor.h"
#include "libs/stream/stage_observer.h"

namespace winnow::kafka {

struct SinkJudgeOptions {
  std::string stage;
  Topic input = Topic::kSelected;
  CollectionId collection;
  std::uint64_t max_payload_bytes = 0;
  const blob::BlobStore* safe_blobs = nullptr;
  std::string dead_topic;
  std::uint64_t max_dead_bytes = 1u << 20;  // of a message there
  stream::StageObserver* observer = nullptr;  // not null
};

// The record as the processor left it, with its bytes, to be stored; or why it cannot be.
struct SinkJudgement {
  record::ImageRecord record;
  std::optional<DeadReason> dead = std::nullopt;
  std::string detail = {};
};

// kUnavailable if the blob store cannot be read now; other Errors end the sink.
Result<SinkJudgement> JudgeForSink(const SinkJudgeOptions& options, const Arrival& arrival,
                                   stream::Processor& processor, const stream::StateView& nothing);

// The message for images.dead, as it came if it fits.
OutgoingMessage DeadLetterOf(const SinkJudgeOptions& options, const Arrival& arrival,
                             const SinkJudgement& judgement);

}  // namespace winnow::kafka
