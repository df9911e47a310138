#include "libs/kafka/judgement.h"

#include <fmt/format.h>

#include "libs/base/wire.h"
#include "libs/record/codec.h"

namespace winnow::kafka {
namespace {

using record::Disposition;
using record::ImageRecord;
using record::PayloadContent;
using record::RecordCodec;
using stream::StageStep;

constexpr std::uint64_t kDefaultMessageBytes = 1u << 20;
constexpr int kBlobAttempts = 6;

class Judging {
 public:
  Judging(const JudgeOptions& options, const Arrival& arrival, const StageState& state,
          std::uint64_t sequence)
      : options_(options), arrival_(arrival), state_(state), sequence_(sequence),
        lineage_(LineageOf(arrival, options.stage)) {}

  Result<Judgement> Run() {
    if (IsOrderToForget(arrival_.value, arrival_.forget)) return Forget();
    const Step done = Steps();
    if (done) return std::move(result_);
    if (const auto* error = std::get_if<Error>(&done.error())) return *error;
    Bury(std::get<Dead>(done.error()));
    return std::move(result_);
  }

 private:
  Result<Judgement> Forget() {
    const RecordId id{std::string(*arrival_.forget)};
    WINNOW_ASSIGN_OR_RETURN(result_.state, state_.processor->Forget(id, *state_.state));
    result_.forgotten = {id, !result_.state.empty()};
    if (result_.forgotten->was_held && state_.origins == nullptr) {
      return BugError(fmt::format("stage {} keeps state but runs without", options_.stage));
    }
    state_.state->Apply(sequence_, result_.state);
    return std::move(result_);
  }

  Step Steps() {
    if (Step step = Decode(); !step) return step;
    if (Step step = ReadPayload(); !step) return step;
    const record::Payload came = record_.payload;
    auto outcome = Process();
    if (!outcome) {
      if (outcome.error().code != ErrorCode::kInput) return Stop(outcome.error());
      return Stop(Dead{DeadReason::kRefusedByStage, outcome.error().message});
    }
    return Express(std::move(*outcome), came);
  }

  Step Decode() {
    const Stopwatch watch(*options_.observer, StageStep::kDecode);
    auto taken = TakeRecord(arrival_, ZoneOf(options_.input), options_.collection,
                            state_.processor->sees());
    if (!taken) return Stop(taken.error());
    record_ = std::move(*taken);
    return {};
  }

  blob::BlobStore* StoreOf(const record::Payload& payload) const {
    return std::holds_alternative<record::RawPayload>(payload) ? options_.raw_blobs
                                                               : options_.safe_blobs;
  }

  Step ReadPayload() {
    const PayloadContent* content = record::ContentOf(record_.payload);
    if (content == nullptr || options_.payload == PayloadUse::kUntouched) return {};
    if (options_.payload == PayloadUse::kByReference) return PutPayload(record_.payload);
    if (!content->in_store || !content->bytes.empty()) return {};
    const Stopwatch watch(*options_.observer, StageStep::kFetch);
    return FetchBytes(record_.payload, StoreOf(record_.payload), options_.max_payload_bytes,
                      kBlobAttempts);
  }

  // Makes bytes that are here a reference. The digest of a record from outside is only a claim.
  Step PutPayload(record::Payload& payload) {
    const PayloadContent* content = record::ContentOf(payload);
    if (content == nullptr || content->bytes.empty()) return {};
    if (!content->in_store) {
      const Stopwatch watch(*options_.observer, StageStep::kFetch);
      blob::BlobStore* store = StoreOf(payload);
      if (store == nullptr) return Stop(BugError("no blob store for a payload by reference"));
      if (Sha256(content->bytes.view()) != content->sha256) {
        return Stop(Dead{DeadReason::kUndecodable, "the payload is not what its SHA-256 says"});
      }
      const Status put = Retrying(
          kBlobAttempts, [&] { return store->Put(content->sha256, content->bytes.view()); });
      if (!put) return Stop(put.error());
    }
    ReplaceByReference(payload);
    return {};
  }

  Result<stream::Outcome> Process() {
    const Stopwatch watch(*options_.observer, StageStep::kProcess);
    return state_.processor->Process(std::move(record_), *state_.state, arrival_.time);
  }

  Step Express(stream::Outcome outcome, const record::Payload& came) {
    if (Step step = CheckPromises(outcome); !step) return step;
    state_.state->Apply(sequence_, outcome.writes);
    result_.state = std::move(outcome.writes);
    result_.verdict = {outcome.disposition, outcome.reason};
    if (Step step = ExpressRecord(outcome, came); !step) return step;
    for (stream::Settlement& settlement : outcome.settled) {
      if (Step step = ExpressSettled(settlement); !step) return step;
    }
    return {};
  }

  Step CheckPromises(const stream::Outcome& outcome) const {
    const bool keeps = !outcome.writes.empty() || !outcome.settled.empty() ||
                       outcome.disposition == Disposition::kDeferred;
    if (keeps && state_.origins == nullptr) {
      return Stop(BugError(fmt::format("stage {} keeps state but runs without", options_.stage)));
    }
    if (outcome.disposition == Disposition::kStored) {
      return Stop(BugError(fmt::format("stage {} says 'stored', which only a sink can do",
                                       options_.stage)));
    }
    return {};
  }

  Step ExpressRecord(stream::Outcome& outcome, const record::Payload& came) {
    Headers headers = HeadersOf(lineage_, arrival_);
    switch (outcome.disposition) {
      case Disposition::kForwarded:
        if (Step step = Forward(outcome.record, std::move(headers)); !step) return step;
        break;
      case Disposition::kRejected:
        if (Step step = Refuse(outcome.record, std::move(headers)); !step) return step;
        break;
      case Disposition::kDeferred:
        if (Step step = Defer(outcome.record, std::move(headers)); !step) return step;
        break;
      case Disposition::kReview:
        if (Step step = SendToReview(outcome.record, came, std::move(headers)); !step) return step;
        break;
      case Disposition::kStored: break;
    }
    Conclude(std::move(outcome.record));
    return {};
  }

  void Conclude(ImageRecord record) {
    if (!options_.observer->WantsConcluded(record)) return;
    record.payload = {};
    record.attachment.reset();
    result_.concluded.push_back(std::move(record));
  }

  Step Forward(ImageRecord& record, Headers headers) {
    const PayloadContent* content = record::ContentOf(record.payload);
    const bool safe = std::holds_alternative<record::SafePayload>(record.payload);
    if (ZoneOf(options_.output) == record::Zone::kSafe && content != nullptr && !safe) {
      return Stop(BugError(fmt::format("stage {} passes raw bytes to a safe topic",
                                       options_.stage)));
    }
    if (content != nullptr && content->bytes.size() > options_.inline_max_bytes &&
        StoreOf(record.payload) != nullptr) {
      if (Step step = PutPayload(record.payload); !step) return step;
    }
    return Send(options_.output, record, WithPayload(record), std::move(headers));
  }

  Step Refuse(const ImageRecord& record, Headers headers) {
    return Send(Topic::kRejected, record, WithoutPayload(record), std::move(headers));
  }

  Step Defer(const ImageRecord& record, Headers headers) {
    if (Step step = RememberOrigin(record.id); !step) return step;
    const PayloadContent* content = record::ContentOf(record.payload);
    const bool reference = content != nullptr && content->in_store;
    return Send(Topic::kDeferred, record,
                reference ? WithPayload(record) : WithoutPayload(record), std::move(headers));
  }

  // A person looks at what came in, not at what redaction made of it.
  Step SendToReview(ImageRecord& record, const record::Payload& came, Headers headers) {
    record.payload = came;
    const bool raw = std::holds_alternative<record::RawPayload>(came);
    if (raw && options_.raw_blobs != nullptr) {
      if (Step step = PutPayload(record.payload); !step) return step;
      return Send(Topic::kReview, record, WithPayload(record), std::move(headers));
    }
    return Send(Topic::kReview, record, WithoutPayload(record), std::move(headers));
  }

  // The record's own arrival: it may be settled by another one, much later.
  Step RememberOrigin(const RecordId& id) {
    const auto known = state_.origins->Get(id.value());
    if (!known) return Stop(known.error());
    if (*known) return {};
    WriteOrigin({id.value(), WireWriter().Text(lineage_.origin).Text(lineage_.traceparent).Take()});
    return {};
  }

  void WriteOrigin(stream::StateWrite write) {
    state_.origins->Apply(sequence_, {write});
    result_.origins.push_back(std::move(write));
  }

  Step ExpressSettled(stream::Settlement& settlement) {
    const RecordId id = settlement.record.id;
    const auto known = state_.origins->Get(id.value());
    if (!known) return Stop(known.error());
    Lineage lineage = lineage_;
    if (*known) {
      WireReader reader(**known);
      lineage.origin = reader.Text();
      lineage.traceparent = NextTraceparent(reader.Text(), options_.stage, lineage.origin);
      WriteOrigin({id.value(), std::nullopt});
    }
    const Headers headers = HeadersOf(lineage, arrival_);
    const bool admitted = settlement.disposition == Disposition::kForwarded;
    if (Step step = admitted ? Forward(settlement.record, headers)
                             : Refuse(settlement.record, headers);
        !step) {
      return step;
    }
    result_.messages.push_back({.topic = Topic::kDeferred, .key = id.value(), .headers = headers});
    result_.settled.emplace_back(settlement.disposition, settlement.reason);
    Conclude(std::move(settlement.record));
    return {};
  }

  std::string WithPayload(const ImageRecord& record) const {
    const Stopwatch watch(*options_.observer, StageStep::kEncode);
    return RecordCodec::Encode(record);
  }

  std::string WithoutPayload(const ImageRecord& record) const {
    const Stopwatch watch(*options_.observer, StageStep::kEncode);
    return RecordCodec::EncodeWithoutPayload(record);
  }

  std::uint64_t LimitOf(Topic topic) const {
    const auto limit = options_.max_message_bytes.find(topic);
    return limit == options_.max_message_bytes.end() ? kDefaultMessageBytes : limit->second;
  }

  Step Send(Topic topic, const ImageRecord& record, std::string value, Headers headers) {
    std::string key = KeyOf(topic, record, options_.scope_of);
    const std::uint64_t size = SizeOf(key, value, headers);
    if (size > LimitOf(topic)) {
      return Stop(Dead{DeadReason::kTooLarge,
                       fmt::format("record {} takes {} bytes, {} takes {}", record.id.value(),
                                   size, TopicName(topic, ""), LimitOf(topic))});
    }
    result_.messages.push_back({.topic = topic,
                                .key = std::move(key),
                                .value = std::move(value),
                                .headers = std::move(headers)});
    return {};
  }

  // State that was written before the outcome turned out not to fit stays: the processor has it in
  // memory already, and a resend gets the same answer.
  void Bury(const Dead& dead) {
    result_.messages.clear();
    result_.settled.clear();
    result_.concluded.clear();
    result_.dead = dead.reason;
    Headers headers = DeadHeadersOf(arrival_, options_.stage, dead);
    const std::uint64_t size =
        SizeOf(arrival_.key.value_or(""), arrival_.value.value_or(""), headers);
    // What does not fit even there stays where it was read, which the headers say.
    const bool fits = size <= LimitOf(Topic::kDead);
    result_.messages.push_back({.topic = Topic::kDead,
                                .as_it_came = fits,
                                .value = fits ? std::nullopt : std::optional<std::string>(""),
                                .headers = std::move(headers)});
  }

  const JudgeOptions& options_;
  const Arrival& arrival_;
  const StageState& state_;
  const std::uint64_t sequence_;
  const Lineage lineage_;
  ImageRecord record_;
  Judgement result_;
};

}  // namespace

std::uint64_t Judgement::state_bytes() const {
  std::uint64_t bytes = 0;
  for (const auto* writes : {&state, &origins}) {
    for (const stream::StateWrite& write : *writes) {
      bytes += write.key.size() + (write.value ? write.value->size() : 0);
    }
  }
  return bytes;
}

Result<Judgement> Judge(const JudgeOptions& options, const Arrival& arrival,
                        const StageState& state, std::uint64_t sequence) {
  return Judging(options, arrival, state, sequence).Run();
}

}  // namespace winnow::kafka
