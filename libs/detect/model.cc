#include "libs/detect/model.h"

#include <fmt/core.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "libs/base/digest.h"
#include "libs/base/whole_file.h"
#include "libs/detect/head.h"
#include "libs/detect/multi_scale_detector.h"
#include "libs/detect/network.h"

namespace winnow::detect {
namespace {

Result<ModelEntry> FindModel(std::string_view name) {
  std::string known;
  for (const ModelEntry& model : KnownModels()) {
    if (model.name == name) return model;
    known += (known.empty() ? "" : ", ") + model.name;
  }
  return ConfigError(fmt::format("no model is called {}: there is {}", name, known));
}

// The contents, read once: what is hashed is what is loaded.
Result<std::string> ReadVerified(const ModelEntry& model, const std::string& directory) {
  const std::string path = directory + "/" + model.file;
  const std::string remedy =
      fmt::format("run: deploy/models/install {} {}", directory, model.name);
  auto bytes = ReadWholeFile(path);
  if (!bytes) return ConfigError(fmt::format("cannot read the model {}; {}", path, remedy));
  const std::string sha256 = ToHex(Sha256(*bytes));
  if (sha256 != model.sha256) {
    return ConfigError(fmt::format("{} has SHA-256 {}, but {} has {}; {}", path, sha256,
                                   model.name, model.sha256, remedy));
  }
  return std::move(*bytes);
}

}  // namespace

Result<std::unique_ptr<Detector>> LoadDetector(std::string_view name,
                                               const std::string& directory) {
  WINNOW_ASSIGN_OR_RETURN(const ModelEntry model, FindModel(name));
  const Head* head = FindHead(model.architecture);
  if (head == nullptr) {
    return ConfigError(fmt::format("the model {} has the architecture {}, which this build cannot "
                                   "read", model.name, model.architecture));
  }
  WINNOW_ASSIGN_OR_RETURN(const std::string bytes, ReadVerified(model, directory));
  WINNOW_ASSIGN_OR_RETURN(auto network, Network::Load(bytes));
  return std::make_unique<MultiScaleDetector>(Identity{model.kind, model.name, model.sha256},
                                              *head, std::move(network), PyramidOptions());
}

}  // namespace winnow::detect
