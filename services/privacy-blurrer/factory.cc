#include "services/privacy-blurrer/factory.h"

#include <memory>
#include <utility>

#include "libs/detect/model.h"
#include "services/privacy-blurrer/blurrer.h"

namespace winnow::privacy {
namespace {

Result<std::unique_ptr<detect::Detector>> FaceDetector(const spec::CollectionSpec& spec,
                                                       const std::string& model_directory,
                                                       std::atomic<int>* loaded) {
  if (!spec.privacy.faces) return std::unique_ptr<detect::Detector>();
  auto detector = detect::LoadDetector(spec.privacy.face_model, model_directory);
  if (loaded != nullptr) *loaded = detector ? 1 : 0;
  return detector;
}

}  // namespace

Result<stream::ProcessorFactory> NewBlurrerFactory(const spec::CollectionSpec& spec,
                                                   const std::string& model_directory,
                                                   std::atomic<int>* loaded) {
  WINNOW_RETURN_IF_ERROR(FaceDetector(spec, model_directory, loaded));
  return stream::ProcessorFactory(
      [spec, model_directory, loaded]() -> Result<std::unique_ptr<stream::Processor>> {
        WINNOW_ASSIGN_OR_RETURN(auto detector, FaceDetector(spec, model_directory, loaded));
        return std::unique_ptr<stream::Processor>(
            std::make_unique<Blurrer>(spec, std::move(detector)));
      });
}

}  // namespace winnow::privacy
