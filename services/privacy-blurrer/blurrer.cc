#include "services/privacy-blurrer/blurrer.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "libs/base/check.h"
#include "libs/base/digest.h"
#include "libs/image/redact.h"

namespace winnow::privacy {
namespace {

using record::Disposition;
using record::Reason;

image::DecodeLimits LimitsOf(const spec::ValidateRules& rules) {
  return {rules.max_bytes, rules.max_pixels, rules.max_decode_seconds};
}

Geometry GeometryOf(const image::Frame& frame) {
  return {frame.pixels.width, frame.pixels.height, frame.orientation};
}

// The validator's decoded picture if it is still attached, else the same decoded again.
image::Decoded FrameOf(const record::ImageRecord& record, std::string_view bytes,
                       const image::DecodeLimits& limits) {
  if (auto frame = std::dynamic_pointer_cast<const image::Frame>(record.attachment)) {
    return {std::move(frame), Reason::kNone, {}};
  }
  return image::Decode(bytes, limits);
}

record::StageVerdict Refused(record::StageVerdict verdict, Disposition disposition, Reason reason,
                             std::string detail) {
  verdict.disposition = disposition;
  verdict.reason = reason;
  verdict.detail = std::move(detail);
  return verdict;
}

}  // namespace

Blurrer::Blurrer(const spec::CollectionSpec& spec, std::unique_ptr<detect::Detector> face_detector)
    : policy_(spec.privacy),
      limits_(LimitsOf(spec.validate)),
      spec_digest_(spec.digest),
      face_detector_(std::move(face_detector)) {
  WINNOW_CHECK(face_detector_ != nullptr || !policy_.faces);
}

std::string_view Blurrer::FaceKind() const { return policy_.faces ? face_detector_->kind() : ""; }

bool Blurrer::ShowsFace(const Attempt& attempt) const {
  return !attempt.residual.empty() && BestScore(attempt.residual) >= policy_.residual_threshold;
}

Result<std::vector<detect::Detection>> Blurrer::FindFaces(const image::Frame& frame,
                                                          double threshold) {
  if (!policy_.faces) return std::vector<detect::Detection>();
  if (frame.orientation == 1) return face_detector_->Detect(frame.pixels, threshold);
  return face_detector_->Detect(image::Upright(frame.pixels, frame.orientation), threshold);
}

Status Blurrer::LookAgain(const image::Frame& frame, Attempt& attempt) {
  image::DecodeLimits limits = limits_;
  limits.max_bytes = std::max<std::uint64_t>(limits.max_bytes, attempt.bytes.size());
  const image::Decoded decoded = image::Decode(attempt.bytes, limits);
  if (!decoded.frame) {
    attempt.reason = Reason::kUnredactable;
    attempt.detail = "the redacted file cannot be decoded: " + decoded.detail;
    return {};
  }
  if (decoded.frame->pixels.width != frame.pixels.width ||
      decoded.frame->pixels.height != frame.pixels.height ||
      decoded.frame->orientation != frame.orientation) {
    attempt.reason = Reason::kUnredactable;
    attempt.detail = "the redacted file does not show the same picture";
    return {};
  }
  const double threshold = std::min(policy_.face_threshold, policy_.residual_threshold);
  WINNOW_ASSIGN_OR_RETURN(attempt.residual, FindFaces(*decoded.frame, threshold));
  return {};
}

Result<Blurrer::Attempt> Blurrer::Try(std::string_view bytes, const image::Frame& frame,
                                      const RedactionPlan& plan) {
  std::vector<record::Box> boxes;
  for (const record::RedactedRegion& region : plan.regions) boxes.push_back(region.box);
  auto redacted = image::Redact(bytes, frame, boxes, {plan.cells});
  Attempt attempt;
  if (!redacted) {
    if (redacted.error().code != ErrorCode::kInput) return redacted.error();
    attempt.reason = Reason::kUnredactable;
    attempt.detail = redacted.error().message;
    return attempt;
  }
  attempt.bytes = std::move(redacted->bytes);
  attempt.format = redacted->format;
  attempt.stripped = std::move(redacted->stripped);
  // Without a region the pixels are those that were searched just now.
  if (!boxes.empty()) WINNOW_RETURN_IF_ERROR(LookAgain(frame, attempt));
  return attempt;
}

Result<Blurrer::Work> Blurrer::Redact(std::string_view bytes, const image::Frame& frame) {
  const Geometry geometry = GeometryOf(frame);
  Work work;
  work.format = frame.format;
  WINNOW_ASSIGN_OR_RETURN(work.faces, FindFaces(frame, policy_.face_threshold));
  work.plan = Plan(work.faces, FaceKind(), geometry, policy_);
  for (const bool last : {false, true}) {
    work.area_ratio = CoveredRatio(work.plan.regions, geometry);
    if (work.area_ratio > policy_.max_redacted_ratio) {
      work.attempt.reason = Reason::kMostlyRedacted;
      work.attempt.detail = fmt::format("redaction would cover {:.2f} of the picture, more than "
                                        "{:.2f}", work.area_ratio, policy_.max_redacted_ratio);
      return work;
    }
    WINNOW_ASSIGN_OR_RETURN(work.attempt, Try(bytes, frame, work.plan));
    if (last || work.attempt.reason != Reason::kNone || !ShowsFace(work.attempt)) break;
    work.plan = Enlarge(std::move(work.plan), work.attempt.residual, FaceKind(), geometry, policy_);
  }
  if (work.attempt.reason == Reason::kNone && ShowsFace(work.attempt)) {
    work.attempt.reason = Reason::kResidualFace;
    work.attempt.detail = fmt::format("after two redactions a face is found with score {:.2f}, at "
                                      "or above {:.2f}", BestScore(work.attempt.residual),
                                      policy_.residual_threshold);
  }
  return work;
}

record::ImageRecord Blurrer::Describe(record::ImageRecord record, const Work& work) const {
  record.payload = std::monostate();
  record.attachment = nullptr;
  record::Redaction redaction;
  redaction.regions = work.plan.regions;
  redaction.area_ratio = work.area_ratio;
  redaction.residual_score = BestScore(work.attempt.residual);
  redaction.pixels_untouched =
      work.plan.regions.empty() && work.attempt.format == work.format;
  redaction.stripped = work.attempt.stripped;
  MarkRedacted(redaction.regions, record.annotations);
  record.redaction = std::move(redaction);
  return record;
}

record::StageVerdict Blurrer::Verdict(const Work& work, Timestamp now) const {
  record::StageVerdict verdict;
  verdict.stage = name();
  verdict.spec_digest = spec_digest_;
  verdict.time = now;
  if (policy_.faces) verdict.model_digest = face_detector_->model_digest();
  verdict.scores = {{"faces", static_cast<double>(work.faces.size())},
                    {"face", BestScore(work.faces)},
                    {"residual", BestScore(work.attempt.residual)},
                    {"redacted_ratio", work.area_ratio}};
  verdict.thresholds = {{"face", policy_.face_threshold},
                        {"residual", policy_.residual_threshold},
                        {"redacted_ratio", policy_.max_redacted_ratio}};
  return verdict;
}

record::SafePayload Blurrer::Seal(Attempt attempt) {
  record::PayloadContent content;
  content.media_type = record::MediaType(attempt.format);
  content.sha256 = Sha256(attempt.bytes);
  content.bytes = SharedBytes(std::move(attempt.bytes));
  return record::SafePayload(record::RedactionPass(), std::move(content));
}

Result<stream::Outcome> Blurrer::Process(record::ImageRecord record, const stream::StateView&,
                                         Timestamp now) {
  const auto* raw = std::get_if<record::RawPayload>(&record.payload);
  if (raw == nullptr) return InputError("the record has no image to redact");
  const SharedBytes bytes = raw->content.bytes;
  const image::Decoded decoded = FrameOf(record, bytes.view(), limits_);
  if (!decoded.frame) {
    record.payload = std::monostate();
    record.attachment = nullptr;
    return stream::Conclude(std::move(record),
                            Refused(Verdict({}, now), Disposition::kReview, Reason::kUnredactable,
                                    "the picture cannot be decoded: " + decoded.detail));
  }
  WINNOW_ASSIGN_OR_RETURN(Work work, Redact(bytes.view(), *decoded.frame));
  record = Describe(std::move(record), work);
  record::StageVerdict verdict = Verdict(work, now);
  if (const Reason reason = work.attempt.reason; reason != Reason::kNone) {
    const auto disposition =
        reason == Reason::kMostlyRedacted ? Disposition::kRejected : Disposition::kReview;
    return stream::Conclude(std::move(record), Refused(std::move(verdict), disposition, reason,
                                                       std::move(work.attempt.detail)));
  }
  record.payload = Seal(std::move(work.attempt));
  return stream::Conclude(std::move(record), std::move(verdict));
}

}  // namespace winnow::privacy
