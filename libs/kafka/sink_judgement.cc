#include "libs/kafka/sink_judgement.h"

#include <fmt/format.h>

#include <chrono>
#include <utility>

#include "libs/record/codec.h"

namespace winnow::kafka {
namespace {

using record::PayloadContent;
using record::RecordCodec;
using stream::StageStep;

// Of a record batch and one record in it (Kafka's message format v2), generously.
constexpr std::uint64_t kMessageOverhead = 512;

template <class Work>
auto Timed(const SinkJudgeOptions& options, StageStep step, const Work& work) {
  const auto begin = std::chrono::steady_clock::now();
  auto result = work();
  options.observer->Took(step, std::chrono::steady_clock::now() - begin);
  return result;
}

SinkJudgement Dead(DeadReason reason, std::string detail) {
  return {{}, reason, std::move(detail)};
}

// What is whole but for its zone is a leak, not damage.
DeadReason WhyUndecodable(std::string_view value) {
  const auto raw = RecordCodec::Decode(value, record::Zone::kRaw);
  if (!raw) return DeadReason::kUndecodable;
  const PayloadContent* content = record::ContentOf(raw->payload);
  return content != nullptr && !content->bytes.empty() ? DeadReason::kUnredacted
                                                       : DeadReason::kUndecodable;
}

SinkJudgement Decode(const SinkJudgeOptions& options, const Arrival& arrival) {
  if (!arrival.value) return Dead(DeadReason::kUndecodable, "the message has no value");
  auto decoded = RecordCodec::Decode(*arrival.value, ZoneOf(options.input));
  if (!decoded) return Dead(WhyUndecodable(*arrival.value), decoded.error().message);
  if (decoded->collection != options.collection) {
    return Dead(DeadReason::kWrongCollection,
                fmt::format("collection '{}', this service works on '{}'",
                            decoded->collection.value(), options.collection.value()));
  }
  const PayloadContent* content = record::ContentOf(decoded->payload);
  const bool claims_other_bytes = content != nullptr && !content->bytes.empty() &&
                                  Sha256(content->bytes.view()) != content->sha256;
  if (claims_other_bytes) {
    return Dead(DeadReason::kUndecodable, "the payload is not what its SHA-256 says");
  }
  return {std::move(*decoded)};
}

Result<SinkJudgement> Fetch(const SinkJudgeOptions& options, SinkJudgement judgement) {
  const PayloadContent* content = record::ContentOf(judgement.record.payload);
  if (content == nullptr || !content->bytes.empty() || content->length() == 0) return judgement;
  if (!content->in_store || options.safe_blobs == nullptr ||
      !std::holds_alternative<record::SafePayload>(judgement.record.payload)) {
    return Dead(DeadReason::kBlobMissing, content->in_store
                                              ? "the payload is a reference and this service has "
                                                "no blob store"
                                              : "the record came without its payload");
  }
  if (content->length() > options.max_payload_bytes) {
    return Dead(DeadReason::kTooLarge,
                fmt::format("blob {} has {} bytes, {} are allowed", ToHex(content->sha256),
                            content->length(), options.max_payload_bytes));
  }
  auto bytes = options.safe_blobs->Get(content->sha256, options.max_payload_bytes);
  if (!bytes && bytes.error().code == ErrorCode::kInput) {
    return Dead(DeadReason::kBlobMissing, bytes.error().message);
  }
  if (!bytes) return bytes.error();
  if (AttachBytes(judgement.record.payload, std::move(*bytes))) return judgement;
  return Dead(DeadReason::kBlobMissing, "the blob is something else");
}

Result<SinkJudgement> Process(SinkJudgement judgement, const Arrival& arrival,
                              stream::Processor& processor, const stream::StateView& nothing) {
  auto outcome = processor.Process(std::move(judgement.record), nothing, arrival.time);
  if (!outcome && outcome.error().code == ErrorCode::kInput) {
    return Dead(DeadReason::kRefusedByStage, outcome.error().message);
  }
  if (!outcome) return outcome.error();
  const bool stores = outcome->disposition == record::Disposition::kStored &&
                      outcome->writes.empty() && outcome->settled.empty();
  if (!stores) {
    return BugError(fmt::format("the sink's processor said something else than 'stored' of {}",
                                outcome->record.id.value()));
  }
  return SinkJudgement{std::move(outcome->record)};
}

}  // namespace

Result<SinkJudgement> JudgeForSink(const SinkJudgeOptions& options, const Arrival& arrival,
                                   stream::Processor& processor,
                                   const stream::StateView& nothing) {
  SinkJudgement decoded =
      Timed(options, StageStep::kDecode, [&] { return Decode(options, arrival); });
  if (decoded.dead) return decoded;
  auto whole = Timed(options, StageStep::kFetch,
                     [&] { return Fetch(options, std::move(decoded)); });
  if (!whole || whole->dead) return whole;
  return Timed(options, StageStep::kProcess, [&] {
    return Process(std::move(*whole), arrival, processor, nothing);
  });
}

OutgoingMessage DeadLetterOf(const SinkJudgeOptions& options, const Arrival& arrival,
                             const SinkJudgement& judgement) {
  const std::optional<Origin> given = arrival.origin ? ParseOrigin(*arrival.origin) : std::nullopt;
  const std::string origin = Format(given.value_or(arrival.place));
  OutgoingMessage message;
  message.topic = options.dead_topic;
  message.time = arrival.time;
  message.headers = {
      {std::string(kOriginHeader), origin},
      {std::string(kTraceparentHeader),
       NextTraceparent(arrival.traceparent, options.stage, origin)},
      {std::string(kDeadStageHeader), options.stage},
      {std::string(kDeadMessageHeader), Format(arrival.place)},
      {std::string(kDeadReasonHeader), std::string(Name(*judgement.dead))},
      {std::string(kDeadDetailHeader), judgement.detail}};
  if (arrival.tracestate) message.headers.emplace(kTracestateHeader, *arrival.tracestate);
  if (arrival.replay) message.headers.emplace(kReplayHeader, *arrival.replay);
  if (arrival.key) message.key = std::string(*arrival.key);
  std::uint64_t size = kMessageOverhead + arrival.value.value_or("").size();
  size += arrival.key.value_or("").size();
  for (const auto& [name, value] : message.headers) size += name.size() + value.size();
  // What does not fit even there stays where it was read, which the headers say.
  if (size <= options.max_dead_bytes) message.value = std::string(arrival.value.value_or(""));
  return message;
}

}  // namespace winnow::kafka
