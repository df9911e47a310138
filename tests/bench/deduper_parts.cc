#include "tests/bench/deduper_parts.h"

#include <fmt/format.h>

#include <cstdlib>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "libs/kafka/intake.h"
#include "libs/record/codec.h"
#include "libs/state/overlay.h"
#include "libs/state/rocksdb_store.h"
#include "tests/bench/safe_records.h"
#include "tests/bench/stage_meter.h"

namespace winnow::bench {
namespace {

constexpr std::uint64_t kBatch = 3000;
constexpr const char* kFamily = "state";

template <class T>
T Must(Result<T> result) {
  if (result) {
    if constexpr (!std::is_void_v<T>) return std::move(*result);
    return T();
  }
  fmt::print(stderr, "deduper_benchmark: {}\n", result.error().message);
  std::exit(1);
}

double ThreadSeconds() { return static_cast<double>(ThreadCpuNanoseconds()) / 1e9; }

// What it takes to ask for the time.
double SecondsToAsk() {
  constexpr int kTimes = 100'000;
  const double before = ThreadSeconds();
  for (int i = 0; i < kTimes; ++i) ThreadSeconds();
  return (ThreadSeconds() - before) / kTimes;
}

// A state that counts the time its reads take, and that taken to count it.
class ReadMeter : public stream::StateView {
 public:
  explicit ReadMeter(const stream::StateView& state) : state_(state), to_ask_(SecondsToAsk()) {}

  Result<std::optional<std::string>> Get(std::string_view key) const override {
    const double before = ThreadSeconds();
    auto found = state_.Get(key);
    seconds_ += ThreadSeconds() - before - to_ask_;
    asking_ += 2 * to_ask_;
    return found;
  }
  Status Scan(std::string_view prefix,
              const std::function<bool(std::string_view, std::string_view)>& visit)
      const override {
    return state_.Scan(prefix, visit);
  }

  double seconds() const { return seconds_; }
  double asking() const { return asking_; }

 private:
  const stream::StateView& state_;
  const double to_ask_;
  mutable double seconds_ = 0;
  mutable double asking_ = 0;
};

template <class Work>
void Add(double& seconds, const Work& work) {
  const double before = ThreadSeconds();
  work();
  seconds += ThreadSeconds() - before;
}

std::vector<std::string> Encoded(std::uint64_t first) {
  std::vector<std::string> values;
  for (std::uint64_t i = 0; i < kBatch; ++i) {
    values.push_back(record::RecordCodec::Encode(SafeRecord(first + i)));
  }
  return values;
}

// One batch after another, as a stage works: judged, then committed.
class PartMeter {
 public:
  PartMeter(const stream::ProcessorFactory& factory, record::Extent extent,
            const std::string& directory)
      : extent_(extent),
        store_(Must(state::OpenRocksDb({.directory = directory, .families = {kFamily}}))),
        overlay_(*store_, kFamily),
        state_(overlay_),
        processor_(Must(factory())) {
    Must(processor_->Open(overlay_));
  }

  void Run(std::uint64_t first) {
    const std::vector<std::string> values = Encoded(first);
    std::vector<record::ImageRecord> records(values.size());
    std::vector<stream::Outcome> outcomes(values.size());
    std::vector<std::string> encoded(values.size());
    Add(seconds_.decode, [&] {
      for (std::size_t i = 0; i < values.size(); ++i) {
        records[i] = Must(record::RecordCodec::Decode(values[i], record::Zone::kSafe, extent_));
      }
    });
    Add(seconds_.process, [&] {
      for (std::size_t i = 0; i < values.size(); ++i) {
        outcomes[i] = Must(processor_->Process(std::move(records[i]), state_, Timestamp()));
        overlay_.Apply(first + i, outcomes[i].writes);
      }
    });
    Add(seconds_.encode, [&] {
      for (std::size_t i = 0; i < values.size(); ++i) encoded[i] = Encode(outcomes[i]);
    });
    Add(seconds_.trace, [&] { Trace(values); });
    Add(seconds_.write, [&] { Commit(first, outcomes); });
    Add(seconds_.release, [&] {
      records.clear();
      outcomes.clear();
      encoded.clear();
    });
  }

  PartFigures Of(std::uint64_t records) const {
    const auto each = [&](double seconds) { return 1e6 * seconds / static_cast<double>(records); };
    return {each(seconds_.decode),
            each(seconds_.process - state_.seconds() - state_.asking()),
            each(state_.seconds()),
            each(seconds_.encode),
            each(seconds_.trace),
            each(seconds_.write),
            each(seconds_.release)};
  }

 private:
  static std::string Encode(const stream::Outcome& outcome) {
    return outcome.disposition == record::Disposition::kForwarded
               ? record::RecordCodec::Encode(outcome.record)
               : record::RecordCodec::EncodeWithoutPayload(outcome.record);
  }

  static void Trace(const std::vector<std::string>& values) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      kafka::Arrival arrival;
      arrival.place = {"images.safe", 0, static_cast<std::int64_t>(i)};
      arrival.origin = "images.raw/3/1042";
      arrival.traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
      kafka::HeadersOf(kafka::LineageOf(arrival, "deduper"), arrival);
    }
  }

  void Commit(std::uint64_t first, const std::vector<stream::Outcome>& outcomes) {
    state::WriteBatch batch;
    for (const stream::Outcome& outcome : outcomes) {
      for (const stream::StateWrite& write : outcome.writes) batch.push_back({kFamily, write});
    }
    Must(store_->Commit(batch));
    overlay_.Committed(first + outcomes.size());
  }

  const record::Extent extent_;
  const std::unique_ptr<state::StateStore> store_;
  state::Overlay overlay_;
  const ReadMeter state_;
  const std::unique_ptr<stream::Processor> processor_;
  PartFigures seconds_;
};

}  // namespace

PartFigures MeasureParts(const stream::ProcessorFactory& factory, std::uint64_t records,
                         record::Extent extent, const std::string& directory) {
  PartMeter meter(factory, extent, directory);
  std::uint64_t done = 0;
  for (; done < records; done += kBatch) meter.Run(done);
  return meter.Of(done);
}

}  // namespace winnow::bench
