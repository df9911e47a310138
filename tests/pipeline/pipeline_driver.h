// Drives the real stages over a real folder into a real dataset, with a scripted detector, state in
// memory and a clock that stands still.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "libs/local/local_runner.h"
#include "libs/record/image_record.h"
#include "libs/spec/spec.h"
#include "libs/state/state_store.h"

namespace winnow::pipeline_test {

// A folder that goes away with its contents.
class ScratchFolder {
 public:
  ScratchFolder();
  ~ScratchFolder();
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;

  std::string path() const { return path_.string(); }
  // Makes directories as needed.
  void Write(std::string_view name, std::string_view bytes) const;
  // Contents of every file below, by relative path.
  std::map<std::string, std::string> ReadAll() const;

 private:
  std::filesystem::path path_;
};

// A spec that admits every sound picture of 64 pixels or more and looks for faces.
spec::CollectionSpec LenientSpec();

// Called on what a stage forwards, before the next stage sees it.
using Tamper = std::function<void(record::ImageRecord&)>;

// The five stages, with the scripted detector.
std::vector<local::StagePlan> PipelineStages(const spec::CollectionSpec& spec,
                                             const Tamper& after_validator = {},
                                             const Tamper& after_deduper = {});

// The image bytes of every stored sample of a dataset, by key.
std::map<std::string, std::string> ImagesInShards(const std::string& dataset_directory);

class PipelineDriver {
 public:
  explicit PipelineDriver(spec::CollectionSpec spec) : spec_(std::move(spec)) {}

  // Runs the pipeline over `input` once.
  Result<local::RunResult> Run(local::RunOptions options = {});

  // What became of each image, by path.
  std::map<std::string, record::ImageRecord> Records() const;
  // The last verdict's reason for one image.
  record::Reason ReasonOf(const std::string& path) const;
  std::map<std::string, std::string> StoredImages() const {
    return ImagesInShards(output->path());
  }
  // Forgets state and dataset; keeps the input.
  void Reset();

  static std::vector<std::string> StageNames();

  ScratchFolder input;
  std::unique_ptr<ScratchFolder> output = std::make_unique<ScratchFolder>();
  // Called between listing and loading the input: a file can vanish here.
  std::function<void()> before_load;
  // Bytes can rot on the way to the blurrer.
  Tamper after_validator;
  // The deduper's word can be put in its mouth. In source order.
  Tamper after_deduper;

 private:
  const spec::CollectionSpec spec_;
  std::unique_ptr<state::StateStore> store_ = state::NewMemoryStore();
};

}  // namespace winnow::pipeline_test
