// How the blurrer is made from a spec and a folder of models.
#pragma once

#include <atomic>
#include <string>

#include "libs/base/result.h"
#include "libs/spec/spec.h"
#include "libs/stream/processor.h"

namespace winnow::privacy {

// Loads the detector once to prove that it can: kConfig if the spec asks for one that is missing or
// has another checksum. No image passes without it.
//
// `loaded`, if given, always holds how many of the detectors that the spec asks for could be loaded
// at the last attempt; it must outlive the factory.
Result<stream::ProcessorFactory> NewBlurrerFactory(const spec::CollectionSpec& spec,
                                                   const std::string& model_directory,
                                                   std::atomic<int>* loaded = nullptr);

}  // namespace winnow::privacy
