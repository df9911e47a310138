// How the blurrer is made from a spec and a folder of models.
#pragma once

#include <string>

#include "libs/base/result.h"
#include "libs/spec/spec.h"
#include "libs/stream/processor.h"

namespace winnow::privacy {

// Loads the detector once to prove that it can: kConfig if the spec asks for one that is missing or
// has another checksum. No image passes without it.
Result<stream::ProcessorFactory> NewBlurrerFactory(const spec::CollectionSpec& spec,
                                                   const std::string& model_directory);

}  // namespace winnow::privacy
