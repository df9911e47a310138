// The privacy-blurrer: finds faces, destroys them, strips metadata, looks again at its own output.
#pragma once

#include <memory>

#include "libs/detect/detector.h"
#include "libs/record/image_record.h"
#include "libs/spec/spec.h"
#include "libs/stream/processor.h"

namespace winnow::privacy {

// Scope kSource. Forwards records with a SafePayload and nothing else: what it cannot judge safe
// goes to review without payload or attachment.
class Blurrer : public stream::Processor {
 public:
  // `face_detector` may be null only if spec.privacy.faces is false.
  Blurrer(const spec::CollectionSpec& spec, std::unique_ptr<detect::Detector> face_detector);

  std::string_view name() const override { return "privacy-blurrer"; }
  stream::OrderingScope scope() const override { return stream::OrderingScope::kSource; }
  Result<stream::Outcome> Process(record::ImageRecord record, const stream::StateView& state,
                                  Timestamp now) override;

 private:
  spec::PrivacyPolicy policy_;
  std::string spec_digest_;
  std::unique_ptr<detect::Detector> face_detector_;
};

}  // namespace winnow::privacy
