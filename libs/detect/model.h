// Model files: known by name, accepted only with the right checksum.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "libs/base/result.h"
#include "libs/detect/detector.h"

namespace winnow::detect {

// One entry of deploy/models/models.json, compiled in.
struct ModelEntry {
  std::string name;
  std::string kind;    // "face"
  std::string architecture;  // how to read the network's outputs: "centerface", "yunet" (head.h)
  std::string file;    // name within the model directory
  std::string sha256;  // hex
  std::string licence;
};

const std::vector<ModelEntry>& KnownModels();

// Loads a known model from `directory`. kConfig, with the command that installs it, if the name is
// unknown, the file is missing, its SHA-256 is another, or OpenCV cannot load it.
Result<std::unique_ptr<Detector>> LoadDetector(std::string_view name,
                                               const std::string& directory);

}  // namespace winnow::detect
