// Internal to libs/kafka: what becomes of one message, from its bytes to the messages and state
// writes that follow from it. Knows no broker.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libs/base/clock.h"
#include "libs/base/ids.h"
#include "libs/base/result.h"
#include "libs/blob/blob_store.h"
#include "libs/kafka/headers.h"
#include "libs/kafka/intake.h"
#include "libs/kafka/stage_runner.h"
#include "libs/kafka/topics.h"
#include "libs/record/image_record.h"
#include "libs/state/overlay.h"
#include "libs/stream/processor.h"
#include "libs/stream/stage_observer.h"

namespace winnow::kafka {

struct StageMessage {
  Topic topic = Topic::kValid;
  // The arrival's own key and value, as they came: of dead letters.
  bool as_it_came = false;
  std::string key = {};
  std::optional<std::string> value = {};  // nullopt: a tombstone
  Headers headers = {};
};

// What came of an order to forget.
struct Forgotten {
  RecordId id;
  bool was_held = false;
};

using Verdict = std::pair<record::Disposition, record::Reason>;

struct Judgement {
  std::vector<StageMessage> messages;
  std::vector<stream::StateWrite> state;
  std::vector<stream::StateWrite> origins;  // of deferred records, by record id
  std::optional<DeadReason> dead;           // then `verdict` and `concluded` say nothing
  std::optional<Forgotten> forgotten;       // then only `state` says something
  Verdict verdict;
  std::vector<Verdict> settled;
  std::vector<record::ImageRecord> concluded;  // without payload; those the observer wants

  std::uint64_t state_bytes() const;
};

// What a judgement may see and change besides the record.
struct StageState {
  stream::Processor* processor = nullptr;
  state::Overlay* state = nullptr;    // of the processor
  state::Overlay* origins = nullptr;  // null for stages without state
};

struct JudgeOptions {
  std::string stage;
  Topic input = Topic::kRaw;
  Topic output = Topic::kValid;
  PayloadUse payload = PayloadUse::kBytes;
  CollectionId collection;
  ScopeOf scope_of = nullptr;
  std::uint64_t inline_max_bytes = 0;
  std::uint64_t max_payload_bytes = 0;  // of blobs fetched
  blob::BlobStore* raw_blobs = nullptr;
  blob::BlobStore* safe_blobs = nullptr;
  std::map<Topic, std::uint64_t> max_message_bytes = {};  // 1 MiB where a topic is not named
  stream::StageObserver* observer = nullptr;              // not null
};

// Judges the message and applies the writes that follow to the overlays under `sequence`.
// Thread-safe for different `state`s. An Error means that nothing may be said of the message: the
// blob store is away, the processor failed or broke a promise.
Result<Judgement> Judge(const JudgeOptions& options, const Arrival& arrival,
                        const StageState& state, std::uint64_t sequence);

}  // namespace winnow::kafka
