#include "services/privacy-blurrer/factory.h"

#include <memory>
#include <utility>

#include "libs/detect/model.h"
#include "services/privacy-blurrer/blurrer.h"

namespace winnow::privacy {
namespace {

Result<std::unique_ptr<detect::Detector>> FaceDetector(const spec::CollectionSpec& spec,
                                                       const std::string& model_directory) {
  if (!spec.privacy.faces) return std::unique_ptr<detect::Detector>();
  return detect::LoadDetector(spec.privacy.face_model, model_directory);
}

}  // namespace

Result<stream::ProcessorFactory> NewBlurrerFactory(const spec::CollectionSpec& spec,
                                                   const std::string& model_directory) {
  WINNOW_RETURN_IF_ERROR(FaceDetector(spec, model_directory));
  return stream::ProcessorFactory(
      [spec, model_directory]() -> Result<std::unique_ptr<stream::Processor>> {
        WINNOW_ASSIGN_OR_RETURN(auto detector, FaceDetector(spec, model_directory));
        return std::unique_ptr<stream::Processor>(
            std::make_unique<Blurrer>(spec, std::move(detector)));
      });
}

}  // namespace winnow::privacy
