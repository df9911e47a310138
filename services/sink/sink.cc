#include "services/sink/sink.h"

#include <utility>
#include <variant>

#include "services/sink/split.h"

namespace winnow::sink {
namespace {

using record::ImageRecord;

Status CheckInput(const ImageRecord& record) {
  if (record.id.empty()) return InputError("a record without id has no place in a dataset");
  if (std::holds_alternative<record::SafePayload>(record.payload)) return {};
  if (std::holds_alternative<record::RawPayload>(record.payload)) {
    return BugError("the sink was given unredacted bytes: " + record.id.value());
  }
  return InputError("a record without image cannot be stored: " + record.id.value());
}

class Sink : public stream::Processor {
 public:
  explicit Sink(const spec::CollectionSpec& spec)
      : splits_(spec.output.splits), spec_digest_(spec.digest) {}

  std::string_view name() const override { return "sink"; }
  stream::OrderingScope scope() const override { return stream::OrderingScope::kCollection; }

  Status Open(const stream::StateView&) override { return CheckSplits(splits_); }

  Result<stream::Outcome> Process(ImageRecord record, const stream::StateView&,
                                  Timestamp now) override {
    WINNOW_RETURN_IF_ERROR(CheckInput(record));
    const bool clustered = record.duplicate && !record.duplicate->cluster.empty();
    const RecordId& key = clustered ? record.duplicate->cluster : record.id;
    record::Placement placement;
    placement.split = SplitOf(key.value(), splits_);
    record::StageVerdict verdict;
    verdict.stage = name();
    verdict.disposition = record::Disposition::kStored;
    verdict.detail = "split " + placement.split;
    verdict.spec_digest = spec_digest_;
    verdict.time = now;
    record.placement = std::move(placement);
    record.attachment.reset();
    return stream::Conclude(std::move(record), std::move(verdict));
  }

 private:
  const std::map<std::string, double> splits_;
  const std::string spec_digest_;
};

}  // namespace

std::unique_ptr<stream::Processor> NewSink(const spec::CollectionSpec& spec) {
  return std::make_unique<Sink>(spec);
}

}  // namespace winnow::sink
