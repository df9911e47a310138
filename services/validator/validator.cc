#include "services/validator/validator.h"

#include <utility>

#include "libs/base/digest.h"
#include "libs/image/decode.h"
#include "libs/image/fingerprint.h"
#include "libs/image/luma.h"
#include "libs/image/quality.h"
#include "services/validator/core.h"

namespace winnow::validator {
namespace {

using record::ImageRecord;
using record::Reason;

// What reading the record showed before any rule: at most one fault, or a decoded frame.
struct Reading {
  Finding fault;
  std::shared_ptr<const image::Frame> frame;
};

Finding SourceFault(const ImageRecord& record) {
  if (record.source_fault != Reason::kNone) {
    return {record.source_fault, record.source_fault_detail};
  }
  const record::PayloadContent* content = record::ContentOf(record.payload);
  if (content == nullptr) return {Reason::kUnreadable, "the record has no payload"};
  if (content->bytes.empty()) return {Reason::kEmptyFile, "the payload has no bytes"};
  return {};
}

Reading Read(const ImageRecord& record, const image::DecodeLimits& limits) {
  Reading reading;
  reading.fault = SourceFault(record);
  if (reading.fault.refused()) return reading;
  image::Decoded decoded =
      image::Decode(record::ContentOf(record.payload)->bytes.view(), limits);
  reading.fault = {decoded.fault, std::move(decoded.detail)};
  reading.frame = std::move(decoded.frame);
  return reading;
}

// A producer may have sent bytes alone.
void CompleteContent(ImageRecord& record, record::ImageFormat format) {
  auto* raw = std::get_if<record::RawPayload>(&record.payload);
  if (raw == nullptr) return;
  raw->content.media_type = record::MediaType(format);
  if (raw->content.sha256 == Sha256Digest{}) {
    raw->content.sha256 = Sha256(raw->content.bytes.view());
  }
}

image::Turns TurnsFor(const spec::DedupPolicy& policy) {
  return policy.mirrored || policy.rotated ? image::Turns::kAll : image::Turns::kNone;
}

void MeasureInto(ImageRecord& record, std::shared_ptr<const image::Frame> frame,
                 image::Turns turns) {
  record.measurements = image::Measure(*frame, image::MakeLuma(frame->pixels));
  record.fingerprint = image::ComputeFingerprint(*frame, turns);
  record.attachment = std::move(frame);
}

class Validator : public stream::Processor {
 public:
  explicit Validator(const spec::CollectionSpec& spec)
      : rules_(spec.validate), classes_(spec.objective.classes), turns_(TurnsFor(spec.dedup)),
        spec_digest_(spec.digest) {}

  std::string_view name() const override { return "validator"; }
  stream::OrderingScope scope() const override { return stream::OrderingScope::kNone; }

  Result<stream::Outcome> Process(ImageRecord record, const stream::StateView&,
                                  Timestamp now) override {
    record::StageVerdict verdict;
    verdict.stage = name();
    verdict.spec_digest = spec_digest_;
    verdict.time = now;
    const Finding finding = Examine(record, now, verdict);
    verdict.reason = finding.reason;
    verdict.detail = finding.detail;
    if (finding.refused()) {
      verdict.disposition = record::Disposition::kRejected;
      record.payload = std::monostate{};
      record.attachment = nullptr;
    }
    return stream::Conclude(std::move(record), std::move(verdict));
  }

 private:
  // Fills what the stage adds to the record and the figures of the verdict.
  Finding Examine(ImageRecord& record, Timestamp now, record::StageVerdict& verdict) const {
    RecordLimits(record, verdict);
    Reading reading = Read(record, Limits());
    if (reading.fault.refused()) return reading.fault;
    CompleteContent(record, reading.frame->format);
    MeasureInto(record, std::move(reading.frame), turns_);
    Judgement judgement = JudgePicture(*record.measurements, rules_);
    verdict.scores.merge(judgement.scores);
    verdict.thresholds.merge(judgement.thresholds);
    verdict.scores.emplace("fingerprint_quality", record.fingerprint->quality);
    return FirstFinding(record, now, std::move(judgement.finding));
  }

  // Consent comes first: a better picture would not cure it.
  Finding FirstFinding(ImageRecord& record, Timestamp now, Finding of_picture) const {
    Finding finding = CheckConsent(record.consent, rules_.required_consent_purpose, now);
    if (!finding.refused()) finding = std::move(of_picture);
    if (finding.refused()) return finding;
    const LabelRules labels{record.measurements->width, record.measurements->height, classes_,
                            rules_.require_annotations};
    finding = CheckAnnotations(record.annotations, labels);
    if (!finding.refused()) ClipAnnotations(record.annotations, labels.width, labels.height);
    return finding;
  }

  void RecordLimits(const ImageRecord& record, record::StageVerdict& verdict) const {
    const record::PayloadContent* content = record::ContentOf(record.payload);
    if (content == nullptr) return;
    verdict.scores.emplace("bytes", static_cast<double>(content->bytes.size()));
    verdict.thresholds.emplace("max_bytes", static_cast<double>(rules_.max_bytes));
    verdict.thresholds.emplace("max_pixels", static_cast<double>(rules_.max_pixels));
    verdict.thresholds.emplace("max_decode_seconds", rules_.max_decode_seconds);
  }

  image::DecodeLimits Limits() const {
    return {rules_.max_bytes, rules_.max_pixels, rules_.max_decode_seconds};
  }

  spec::ValidateRules rules_;
  std::vector<std::string> classes_;
  image::Turns turns_;
  std::string spec_digest_;
};

}  // namespace

std::unique_ptr<stream::Processor> NewValidator(const spec::CollectionSpec& spec) {
  return std::make_unique<Validator>(spec);
}

}  // namespace winnow::validator
