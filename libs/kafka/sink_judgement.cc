#include "libs/kafka/sink_judgement.h"

#include <fmt/format.h>

#include <utility>

namespace winnow::kafka {
namespace {

using record::PayloadContent;
using stream::StageStep;

SinkJudgement Buried(Dead dead) { return {{}, dead.reason, std::move(dead.detail)}; }

tl::expected<record::ImageRecord, Dead> Decode(const SinkJudgeOptions& options,
                                               const Arrival& arrival) {
  const Stopwatch watch(*options.observer, StageStep::kDecode);
  auto taken = TakeRecord(arrival, ZoneOf(options.input), options.collection,
                          record::Extent::kWhole);
  if (!taken) return taken;
  const PayloadContent* content = record::ContentOf(taken->payload);
  const bool claims_other_bytes = content != nullptr && !content->bytes.empty() &&
                                  Sha256(content->bytes.view()) != content->sha256;
  if (!claims_other_bytes) return taken;
  return tl::unexpected<Dead>(
      Dead{DeadReason::kUndecodable, "the payload is not what its SHA-256 says"});
}

// What is away is tried again by who called, who has a group to answer.
Step Fetch(const SinkJudgeOptions& options, record::ImageRecord& record) {
  const Stopwatch watch(*options.observer, StageStep::kFetch);
  const PayloadContent* content = record::ContentOf(record.payload);
  if (content == nullptr || !content->bytes.empty() || content->length() == 0) return {};
  if (!content->in_store) {
    return Stop(Dead{DeadReason::kBlobMissing, "the record came without its payload"});
  }
  const bool safe = std::holds_alternative<record::SafePayload>(record.payload);
  return FetchBytes(record.payload, safe ? options.safe_blobs : nullptr,
                    options.max_payload_bytes, 1);
}

Result<SinkJudgement> Process(const SinkJudgeOptions& options, record::ImageRecord record,
                              const Arrival& arrival, stream::Processor& processor,
                              const stream::StateView& nothing) {
  const Stopwatch watch(*options.observer, StageStep::kProcess);
  auto outcome = processor.Process(std::move(record), nothing, arrival.time);
  if (!outcome && outcome.error().code == ErrorCode::kInput) {
    return Buried({DeadReason::kRefusedByStage, outcome.error().message});
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
  auto record = Decode(options, arrival);
  if (!record) return Buried(std::move(record.error()));
  Step fetched = Fetch(options, *record);
  if (!fetched) {
    if (const auto* error = std::get_if<Error>(&fetched.error())) return *error;
    return Buried(std::get<Dead>(std::move(fetched.error())));
  }
  return Process(options, std::move(*record), arrival, processor, nothing);
}

OutgoingMessage DeadLetterOf(const SinkJudgeOptions& options, const Arrival& arrival,
                             const SinkJudgement& judgement) {
  const Headers headers =
      DeadHeadersOf(arrival, options.stage, {*judgement.dead, judgement.detail});
  OutgoingMessage message;
  message.topic = options.dead_topic;
  message.time = arrival.time;
  message.headers = {headers.begin(), headers.end()};
  if (arrival.key) message.key = std::string(*arrival.key);
  const std::string_view value = arrival.value.value_or("");
  const std::uint64_t size = SizeOf(arrival.key.value_or(""), value, headers);
  // What does not fit even there stays where it was read, which the headers say.
  message.value = size <= options.max_dead_bytes ? std::string(value) : "";
  return message;
}

}  // namespace winnow::kafka
