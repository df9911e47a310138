#include "tests/parity/kafka_pipeline.h"

#include <fmt/format.h>

#include <functional>
#include <random>
#include <thread>
#include <utility>

#include "libs/dataset/files.h"
#include "libs/dataset/sample_json.h"
#include "libs/dataset/stream_shards.h"
#include "libs/ingest/folder_source.h"
#include "libs/kafka/log_reader.h"
#include "libs/kafka/record_producer.h"
#include "libs/kafka/sink_runner.h"
#include "libs/kafka/stage_runner.h"
#include "libs/kafka/topic_admin.h"
#include "libs/kafka/topics.h"
#include "libs/record/codec.h"
#include "libs/service/run.h"
#include "services/winnow/wiring.h"

namespace winnow::parity_test {
namespace {

using kafka::Topic;
using std::chrono::milliseconds;

struct Hop {
  Topic input;
  Topic output;
  kafka::PayloadUse payload;
  bool stateful;
};

const std::map<std::string, Hop> kHops = {
    {"validator", {Topic::kRaw, Topic::kValid, kafka::PayloadUse::kBytes, false}},
    {"privacy-blurrer", {Topic::kValid, Topic::kSafe, kafka::PayloadUse::kBytes, false}},
    {"deduper", {Topic::kSafe, Topic::kUnique, kafka::PayloadUse::kUntouched, true}},
    {"balancer", {Topic::kUnique, Topic::kSelected, kafka::PayloadUse::kByReference, true}},
};

// Adds the last verdict of each record on a topic of refusals.
Status ReadVerdicts(const kafka::ClientConfig& client, const std::string& topic,
                    record::Zone zone, Fates& fates) {
  Status status;
  WINNOW_RETURN_IF_ERROR(kafka::ReadTopic(client, topic, [&](const kafka::LogEntry& entry) {
    if (!entry.value) {
      fates.erase(RecordId(std::string(entry.key.value_or(""))));
      return true;
    }
    const auto record = record::RecordCodec::Decode(*entry.value, zone);
    if (!record || record->history.empty()) {
      status = BugError("a refusal without verdict on " + topic);
      return false;
    }
    fates[record->id] = {record->history.back().disposition, record->history.back().reason};
    return true;
  }));
  return status;
}

}  // namespace

KafkaPipeline::KafkaPipeline(spec::CollectionSpec spec, std::string brokers)
    : spec_(std::move(spec)),
      client_{std::move(brokers), {}},
      prefix_(fmt::format("parity-{:08x}.", std::random_device()())) {}

KafkaPipeline::~KafkaPipeline() {
  if (const Status stopped = Stop(); !stopped) fmt::print(stderr, "{}\n", stopped.error().message);
}

Result<std::unique_ptr<KafkaPipeline>> KafkaPipeline::Create(const spec::CollectionSpec& spec,
                                                             const std::string& brokers,
                                                             int partitions) {
  std::unique_ptr<KafkaPipeline> pipeline(new KafkaPipeline(spec, brokers));
  WINNOW_ASSIGN_OR_RETURN(pipeline->raw_blobs_,
                          blob::OpenDirectory(pipeline->blobs_.path() + "/raw"));
  WINNOW_ASSIGN_OR_RETURN(pipeline->safe_blobs_,
                          blob::OpenDirectory(pipeline->blobs_.path() + "/safe"));
  WINNOW_ASSIGN_OR_RETURN(std::vector<kafka::TopicDeclaration> topics,
                          kafka::LoadTopics(WINNOW_TOPICS_FILE));
  for (kafka::TopicDeclaration& topic : topics) {
    topic.partitions = partitions;
    topic.replication = 1;
    topic.configs.erase("min.insync.replicas");
  }
  WINNOW_RETURN_IF_ERROR(kafka::ApplyTopics(pipeline->client_, pipeline->prefix_, topics,
                                            kafka::TopicMode::kApply));
  return pipeline;
}

Status KafkaPipeline::Feed(const std::string& folder, const SourceId& id) {
  ingest::FolderOptions options = cli::FolderOptionsFor(spec_, folder);
  if (!id.empty()) options.id = id;
  WINNOW_ASSIGN_OR_RETURN(const auto source, ingest::OpenFolder(std::move(options)));
  WINNOW_ASSIGN_OR_RETURN(const auto producer, kafka::NewRecordProducer(client_, 16u << 20));
  const Timestamp now = SystemClock().Now();
  Status refused;
  while (true) {
    WINNOW_ASSIGN_OR_RETURN(const auto entry, source->Next());
    if (!entry) break;
    WINNOW_ASSIGN_OR_RETURN(record::ImageRecord record, source->Load(*entry));
    record.ingested_at = now;
    WINNOW_RETURN_IF_ERROR(producer->Send({.topic = kafka::TopicName(Topic::kRaw, prefix_),
                                           .key = kafka::KeyOf(Topic::kRaw, record),
                                           .value = record::RecordCodec::Encode(record),
                                           .time = now},
                                          [&](Status sent) {
                                            if (!sent) refused = sent;
                                          }));
    ++fed_;
  }
  WINNOW_RETURN_IF_ERROR(producer->Flush(std::chrono::seconds(30)));
  return refused;
}

void KafkaPipeline::Start() {
  for (const local::StagePlan& stage : pipeline_test::PipelineStages(spec_)) {
    if (stage.name == "sink") {
      const auto outputs = [this](int partition) {
        return dataset::NewPartitionShards(
            {.directory = output_.path(),
             .collection = spec_.collection,
             .topic = kafka::TopicName(Topic::kSelected, prefix_),
             .partition = partition,
             .max_images = spec_.output.shard_images,
             .max_bytes = spec_.output.shard_bytes},
            dataset::PosixFiles());
      };
      services_.push_back(std::async(std::launch::async, [this, stage, outputs] {
        return kafka::RunSink({.client = client_,
                               .topic_prefix = prefix_,
                               .instance = "sink-0",
                               .collection = spec_.collection,
                               .safe_blobs = safe_blobs_.get(),
                               .seal_when_idle = milliseconds(500),
                               .stop = &stop_},
                              stage.factory, outputs);
      }));
      continue;
    }
    const Hop& hop = kHops.at(stage.name);
    services_.push_back(std::async(std::launch::async, [this, stage, hop] {
      return kafka::RunStage({.client = client_,
                              .stage = stage.name,
                              .topic_prefix = prefix_,
                              .instance = stage.name + "-0",
                              .input = hop.input,
                              .output = hop.output,
                              .payload = hop.payload,
                              .stateful = hop.stateful,
                              .state_directory = state_.path() + "/" + stage.name,
                              .collection = spec_.collection,
                              .scope_of = service::DedupScopeOf(spec_),
                              .lanes = 2,
                              .commit = {.interval = milliseconds(50)},
                              .raw_blobs = raw_blobs_.get(),
                              .safe_blobs = safe_blobs_.get(),
                              .stop = &stop_},
                             stage.factory);
    }));
  }
}

Result<Fates> KafkaPipeline::ReadFates() const {
  Fates fates;
  // The reserve first: its tombstones are of images whose fate stands elsewhere.
  for (const Topic topic : {Topic::kDeferred, Topic::kRejected, Topic::kReview}) {
    WINNOW_RETURN_IF_ERROR(ReadVerdicts(client_, kafka::TopicName(topic, prefix_),
                                        kafka::ZoneOf(topic), fates));
  }
  // Sample keys are record ids (SampleKey of libs/dataset).
  for (const auto& [key, image] : StoredImages()) {
    fates[RecordId(key)] = {record::Disposition::kStored, record::Reason::kNone};
  }
  WINNOW_ASSIGN_OR_RETURN(const std::vector<dataset::Part> parts, Parts());
  const Fate superseded = {record::Disposition::kRejected, record::Reason::kSuperseded};
  for (const dataset::Part& part : parts) {
    for (const std::string& id : part.replaces) fates.try_emplace(RecordId(id), superseded);
  }
  return fates;
}

Result<std::vector<dataset::Part>> KafkaPipeline::Parts() const {
  return dataset::ReadParts(output_.path(), dataset::PosixFiles());
}

Result<cli::AuditScan> KafkaPipeline::Audit() const {
  WINNOW_ASSIGN_OR_RETURN(const auto reader, kafka::NewLogReader(client_));
  return cli::ScanPipeline(*reader, {prefix_, {output_.path()}}, std::chrono::seconds(5));
}

Result<std::set<int>> KafkaPipeline::PartitionsInUse(kafka::Topic topic) const {
  std::set<int> partitions;
  WINNOW_RETURN_IF_ERROR(kafka::ReadTopic(client_, kafka::TopicName(topic, prefix_),
                                          [&](const kafka::LogEntry& entry) {
                                            partitions.insert(entry.partition);
                                            return true;
                                          }));
  return partitions;
}

Status KafkaPipeline::WaitForOutcomes(std::chrono::seconds timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  std::size_t known = 0;
  while (std::chrono::steady_clock::now() < deadline) {
    WINNOW_ASSIGN_OR_RETURN(const Fates fates, ReadFates());
    known = fates.size();
    WINNOW_ASSIGN_OR_RETURN(const std::vector<dataset::Part> parts, Parts());
    if (known == fed_ && dataset::FindReplaced(parts).empty()) return {};
    for (auto& service : services_) {
      if (service.wait_for(milliseconds(0)) == std::future_status::ready) return Stop();
    }
    std::this_thread::sleep_for(milliseconds(100));
  }
  return UnavailableError(fmt::format("{} of {} images have an outcome", known, fed_));
}

Status KafkaPipeline::Stop() {
  stop_ = true;
  Status first;
  for (auto& service : services_) {
    const Status status = service.get();
    if (!status && first) first = status;
  }
  services_.clear();
  return first;
}

}  // namespace winnow::parity_test
