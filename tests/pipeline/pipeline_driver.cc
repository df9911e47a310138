#include "tests/pipeline/pipeline_driver.h"

#include <gtest/gtest.h>

#include <archive.h>
#include <archive_entry.h>

#include <fstream>
#include <iterator>
#include <random>

#include "libs/dataset/files.h"
#include "libs/dataset/shard_output.h"
#include "libs/ingest/folder_source.h"
#include "libs/local/ledger.h"
#include "services/balancer/balancer.h"
#include "services/deduper/deduper.h"
#include "services/privacy-blurrer/blurrer.h"
#include "services/sink/sink.h"
#include "services/validator/validator.h"
#include "services/winnow/wiring.h"
#include "tests/pipeline/marker_detector.h"

namespace winnow::pipeline_test {
namespace {

namespace fs = std::filesystem;
using ProcessorPtr = std::unique_ptr<stream::Processor>;

// A stage, with a hand on what it forwards.
class TamperedStage : public stream::Processor {
 public:
  TamperedStage(ProcessorPtr stage, Tamper tamper)
      : stage_(std::move(stage)), tamper_(std::move(tamper)) {}
  std::string_view name() const override { return stage_->name(); }
  stream::OrderingScope scope() const override { return stage_->scope(); }
  Status Open(const stream::StateView& state) override { return stage_->Open(state); }
  Result<stream::Outcome> Process(record::ImageRecord record, const stream::StateView& state,
                                  Timestamp now) override {
    auto outcome = stage_->Process(std::move(record), state, now);
    const bool forwarded =
        outcome && outcome->disposition == record::Disposition::kForwarded;
    if (forwarded && tamper_) tamper_(outcome->record);
    return outcome;
  }

 private:
  const ProcessorPtr stage_;
  const Tamper tamper_;
};

// Lets a test act between listing and loading.
class InterruptedSource : public stream::Source {
 public:
  InterruptedSource(stream::Source& source, const std::function<void()>& before_load)
      : source_(source), before_load_(before_load) {}
  Result<std::optional<stream::SourceEntry>> Next() override { return source_.Next(); }
  Result<record::ImageRecord> Load(const stream::SourceEntry& entry) const override {
    if (before_load_) before_load_();
    return source_.Load(entry);
  }

 private:
  stream::Source& source_;
  const std::function<void()>& before_load_;
};

void ReadShard(const fs::path& path, std::map<std::string, std::string>& images) {
  struct archive* const tar = archive_read_new();
  archive_read_support_format_tar(tar);
  ASSERT_EQ(archive_read_open_filename(tar, path.c_str(), 1 << 16), ARCHIVE_OK);
  struct archive_entry* entry = nullptr;
  while (archive_read_next_header(tar, &entry) == ARCHIVE_OK) {
    const fs::path name = archive_entry_pathname(entry);
    std::string bytes(static_cast<std::size_t>(archive_entry_size(entry)), '\0');
    ASSERT_EQ(archive_read_data(tar, bytes.data(), bytes.size()),
              static_cast<la_ssize_t>(bytes.size()));
    if (name.extension() != ".json") images[name.stem().string()] = std::move(bytes);
  }
  archive_read_free(tar);
}

}  // namespace

std::vector<local::StagePlan> PipelineStages(const spec::CollectionSpec& spec,
                                             const Tamper& after_validator,
                                             const Tamper& after_deduper) {
  const auto plan = [&](auto make) {
    return [make, spec]() -> Result<ProcessorPtr> { return make(spec); };
  };
  const auto make_blurrer = [](const spec::CollectionSpec& of) -> ProcessorPtr {
    return std::make_unique<privacy::Blurrer>(of, NewMarkerDetector());
  };
  const auto make_validator = [after_validator](const spec::CollectionSpec& of) -> ProcessorPtr {
    return std::make_unique<TamperedStage>(validator::NewValidator(of), after_validator);
  };
  const auto make_deduper = [after_deduper](const spec::CollectionSpec& of) -> ProcessorPtr {
    return std::make_unique<TamperedStage>(deduper::NewDeduper(of), after_deduper);
  };
  return {{"validator", plan(make_validator)},
          {"privacy-blurrer", plan(make_blurrer)},
          {"deduper", plan(make_deduper)},
          {"balancer", plan(balancer::NewBalancer)},
          {"sink", plan(sink::NewSink)}};
}

ScratchFolder::ScratchFolder()
    : path_(fs::temp_directory_path() / ("winnow-" + std::to_string(std::random_device()()))) {
  fs::create_directories(path_);
}

ScratchFolder::~ScratchFolder() { fs::remove_all(path_); }

void ScratchFolder::Write(std::string_view name, std::string_view bytes) const {
  const fs::path path = path_ / name;
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << bytes;
}

std::map<std::string, std::string> ScratchFolder::ReadAll() const {
  std::map<std::string, std::string> contents;
  for (const auto& entry : fs::recursive_directory_iterator(path_)) {
    if (!entry.is_regular_file()) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    contents[fs::relative(entry.path(), path_).string()] =
        std::string(std::istreambuf_iterator<char>(file), {});
  }
  return contents;
}

spec::CollectionSpec LenientSpec() {
  spec::CollectionSpec spec;
  spec.collection = CollectionId("pipeline-test");
  spec.digest = "pipeline-test-digest";
  spec.validate.min_side = 64;
  spec.ingest.label_from = spec::LabelFrom::kParentDirectory;
  return spec;
}

std::vector<std::string> PipelineDriver::StageNames() {
  std::vector<std::string> names;
  for (const local::StagePlan& stage : PipelineStages(LenientSpec())) names.push_back(stage.name);
  return names;
}

Result<local::RunResult> PipelineDriver::Run(local::RunOptions options) {
  WINNOW_ASSIGN_OR_RETURN(const auto folder,
                          ingest::OpenFolder(cli::FolderOptionsFor(spec_, input.path())));
  InterruptedSource source(*folder, before_load);
  WINNOW_ASSIGN_OR_RETURN(const auto shards,
                          dataset::NewShardOutput({.directory = output->path(),
                                                   .collection = spec_.collection,
                                                   .max_images = spec_.output.shard_images,
                                                   .max_bytes = spec_.output.shard_bytes},
                                                  dataset::PosixFiles()));
  return local::RunLocally(
      {&source, PipelineStages(spec_, after_validator, after_deduper), shards.get(), store_.get()},
      options);
}

std::map<std::string, record::ImageRecord> PipelineDriver::Records() const {
  std::map<std::string, record::ImageRecord> records;
  const auto view = state::ViewOf(*store_, std::string(local::kLedgerFamily));
  const Status read = local::Ledger(*view).ForEach([&](const record::ImageRecord& record) {
    records[record.source.path] = record;
    return true;
  });
  EXPECT_TRUE(read) << read.error().message;
  return records;
}

record::Reason PipelineDriver::ReasonOf(const std::string& path) const {
  const auto records = Records();
  const auto record = records.find(path);
  if (record == records.end() || record->second.history.empty()) {
    ADD_FAILURE() << "no verdict on " << path;
    return record::Reason::kNone;
  }
  return record->second.history.back().reason;
}

std::map<std::string, std::string> ImagesInShards(const std::string& dataset_directory) {
  std::map<std::string, std::string> images;
  const fs::path shards = dataset::ShardDirectory(dataset_directory);
  if (!fs::exists(shards)) return images;
  for (const auto& entry : fs::directory_iterator(shards)) ReadShard(entry.path(), images);
  return images;
}

void PipelineDriver::Reset() {
  store_ = state::NewMemoryStore();
  output = std::make_unique<ScratchFolder>();
}

}  // namespace winnow::pipeline_test
