#include "tests/integration/test_stages.h"

#include <memory>
#include <utility>
#include <vector>

#include "libs/base/digest.h"
#include "libs/base/wire.h"
#include "libs/record/codec.h"

namespace winnow::integration {
namespace {

using record::Disposition;
using record::ImageRecord;
using record::Reason;
using stream::Outcome;

std::string Wish(const ImageRecord& record) {
  const auto wish = record.attributes.find("do");
  return wish == record.attributes.end() ? std::string() : wish->second;
}

record::StageVerdict VerdictOf(std::string_view stage, Disposition disposition, Reason reason,
                               Timestamp now) {
  record::StageVerdict verdict;
  verdict.stage = stage;
  verdict.disposition = disposition;
  verdict.reason = reason;
  verdict.time = now;
  return verdict;
}

void Grow(ImageRecord& record) {
  const record::PayloadContent* content = record::ContentOf(record.payload);
  std::string bytes;
  for (int i = 0; i < 10; ++i) bytes += content->bytes.view();
  record::PayloadContent grown;
  grown.sha256 = Sha256(bytes);
  grown.bytes = SharedBytes(std::move(bytes));
  record.payload = record::RawPayload{std::move(grown)};
}

class Passer : public stream::Processor {
 public:
  std::string_view name() const override { return kPasser; }
  stream::OrderingScope scope() const override { return stream::OrderingScope::kSource; }

  Result<Outcome> Process(ImageRecord record, const stream::StateView&, Timestamp now) override {
    const std::string wish = Wish(record);
    if (wish == "refuse") return InputError("asked to refuse");
    if (wish == "break") return BugError("asked to break");
    if (wish == "grow") Grow(record);
    Disposition disposition = Disposition::kForwarded;
    Reason reason = Reason::kNone;
    if (wish == "reject") disposition = Disposition::kRejected, reason = Reason::kBlurry;
    if (wish == "review") disposition = Disposition::kReview, reason = Reason::kUnredactable;
    return stream::Conclude(std::move(record), VerdictOf(name(), disposition, reason, now));
  }
};

// State: "id/<record id>" -> its number; "next" -> the next number. The next number is also held in
// memory, as an index would be: a rollback that forgot it would skip numbers.
class Counter : public stream::Processor {
 public:
  std::string_view name() const override { return kCounter; }
  stream::OrderingScope scope() const override { return stream::OrderingScope::kCollection; }

  Status Open(const stream::StateView& state) override {
    WINNOW_ASSIGN_OR_RETURN(const auto next, state.Get("next"));
    next_ = next ? WireReader(*next).U64() : 0;
    return {};
  }

  Result<Outcome> Process(ImageRecord record, const stream::StateView& state,
                          Timestamp now) override {
    const std::string key = "id/" + record.id.value();
    WINNOW_ASSIGN_OR_RETURN(const auto known, state.Get(key));
    if (known) {
      return stream::Conclude(std::move(record), VerdictOf(name(), Disposition::kRejected,
                                                           Reason::kExactDuplicate, now));
    }
    const std::uint64_t number = next_++;
    record.attributes["number"] = std::to_string(number);
    Outcome outcome = stream::Conclude(
        std::move(record), VerdictOf(name(), Disposition::kForwarded, Reason::kNone, now));
    outcome.writes = {{key, WireWriter().U64(number).Take()},
                      {"next", WireWriter().U64(next_).Take()}};
    return outcome;
  }

  Result<std::vector<stream::StateWrite>> Forget(const RecordId& id,
                                                 const stream::StateView& state) override {
    const std::string key = "id/" + id.value();
    WINNOW_ASSIGN_OR_RETURN(const auto known, state.Get(key));
    std::vector<stream::StateWrite> writes;
    if (known) writes.push_back({key, std::nullopt});
    return writes;
  }

 private:
  std::uint64_t next_ = 0;
};

// State: "held/<record id>" -> the record.
class Keeper : public stream::Processor {
 public:
  std::string_view name() const override { return kKeeper; }
  stream::OrderingScope scope() const override { return stream::OrderingScope::kCollection; }

  Result<Outcome> Process(ImageRecord record, const stream::StateView& state,
                          Timestamp now) override {
    const std::string wish = Wish(record);
    if (wish == "defer") return Defer(std::move(record), now);
    Outcome outcome = stream::Conclude(
        std::move(record), VerdictOf(name(), Disposition::kForwarded, Reason::kNone, now));
    if (wish == "admit" || wish == "drop") {
      WINNOW_RETURN_IF_ERROR(Settle(outcome, wish == "admit", state, now));
    }
    return outcome;
  }

 private:
  Outcome Defer(ImageRecord record, Timestamp now) const {
    Outcome outcome = stream::Conclude(
        std::move(record),
        VerdictOf(name(), Disposition::kDeferred, Reason::kOverTargetShare, now));
    outcome.writes = {{"held/" + outcome.record.id.value(),
                       record::RecordCodec::Encode(outcome.record)}};
    return outcome;
  }

  Status Settle(Outcome& outcome, bool admit, const stream::StateView& state,
                Timestamp now) const {
    Status decoded;
    WINNOW_RETURN_IF_ERROR(
        state.Scan("held/", [&](std::string_view key, std::string_view value) {
          auto held = record::RecordCodec::Decode(value, record::Zone::kSafe);
          if (!held) decoded = held.error();
          if (!held) return false;
          const auto disposition = admit ? Disposition::kForwarded : Disposition::kRejected;
          const auto reason = admit ? Reason::kNone : Reason::kReserveFull;
          held->history.push_back(VerdictOf(name(), disposition, reason, now));
          outcome.settled.push_back({std::move(*held), disposition, reason});
          outcome.writes.push_back({std::string(key), std::nullopt});
          return true;
        }));
    return decoded;
  }
};

}  // namespace

stream::ProcessorFactory FactoryOf(std::string_view stage) {
  using Made = Result<std::unique_ptr<stream::Processor>>;
  if (stage == kCounter) return [] { return Made(std::make_unique<Counter>()); };
  if (stage == kKeeper) return [] { return Made(std::make_unique<Keeper>()); };
  return [] { return Made(std::make_unique<Passer>()); };
}

kafka::StageOptions OptionsOf(std::string_view stage, const std::string& brokers,
                              const std::string& prefix, const std::string& directory) {
  kafka::StageOptions options;
  options.client.brokers = brokers;
  options.stage = stage;
  options.topic_prefix = prefix;
  options.instance = std::string(stage) + "-0";
  options.collection = CollectionId(std::string(kCollection));
  options.lanes = 3;
  options.commit = {.records = 25, .bytes = 1u << 20, .interval = std::chrono::milliseconds(50)};
  options.session_timeout = std::chrono::milliseconds(6000);
  options.transaction_timeout = std::chrono::milliseconds(10000);
  options.drain_timeout = std::chrono::milliseconds(10000);
  if (stage == kPasser) return options;
  options.stateful = true;
  options.state_directory = directory;
  options.input = kafka::Topic::kSafe;
  options.output = kafka::Topic::kUnique;
  options.payload = kafka::PayloadUse::kUntouched;
  return options;
}

}  // namespace winnow::integration
