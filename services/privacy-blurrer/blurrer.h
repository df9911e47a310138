// The privacy-blurrer: finds faces, destroys them, strips metadata, looks again at its own output.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "libs/detect/detector.h"
#include "libs/image/decode.h"
#include "libs/image/frame.h"
#include "libs/record/image_record.h"
#include "libs/spec/spec.h"
#include "libs/stream/processor.h"
#include "services/privacy-blurrer/core.h"

namespace winnow::privacy {

// Scope kSource. Forwards records with a SafePayload and nothing else: what it cannot judge safe
// goes to review without payload or attachment. An Error of the detector is returned, never passed
// over: the record stays unjudged.
//
// The outcome is the same with and without a decoded Frame attached to the record.
class Blurrer : public stream::Processor {
 public:
  // `face_detector` may be null only if spec.privacy.faces is false.
  Blurrer(const spec::CollectionSpec& spec, std::unique_ptr<detect::Detector> face_detector);

  std::string_view name() const override { return "privacy-blurrer"; }
  stream::OrderingScope scope() const override { return stream::OrderingScope::kSource; }
  // kInput for a record without raw payload: the validator passes none on.
  Result<stream::Outcome> Process(record::ImageRecord record, const stream::StateView& state,
                                  Timestamp now) override;

 private:
  // A redacted file and what a second look at it found. With `reason`, no file.
  struct Attempt {
    std::string bytes;
    record::ImageFormat format = record::ImageFormat::kUnknown;
    std::vector<std::string> stripped;
    std::vector<detect::Detection> residual;  // at or above the lower of the two thresholds
    record::Reason reason = record::Reason::kNone;
    std::string detail;
  };
  // What was found, planned and produced for one record.
  struct Work {
    record::ImageFormat format = record::ImageFormat::kUnknown;  // as it came
    std::vector<detect::Detection> faces;
    RedactionPlan plan;
    double area_ratio = 0;
    Attempt attempt;
  };

  Result<Work> Redact(std::string_view bytes, const image::Frame& frame);
  Result<Attempt> Try(std::string_view bytes, const image::Frame& frame,
                      const RedactionPlan& plan);
  // Looks at the pixels a reader of the output will see.
  Status LookAgain(const image::Frame& frame, Attempt& attempt);
  Result<std::vector<detect::Detection>> FindFaces(const image::Frame& frame, double threshold);
  std::string_view FaceKind() const;
  bool ShowsFace(const Attempt& attempt) const;

  // The record with everything that may be told about the work, and without any pixels.
  record::ImageRecord Describe(record::ImageRecord record, const Work& work) const;
  record::StageVerdict Verdict(const Work& work, Timestamp now) const;
  static record::SafePayload Seal(Attempt attempt);

  spec::PrivacyPolicy policy_;
  image::DecodeLimits limits_;
  std::string spec_digest_;
  std::unique_ptr<detect::Detector> face_detector_;
};

}  // namespace winnow::privacy
