// winnow-sink: images.selected -> shards of the dataset.
#include "libs/dataset/files.h"
#include "libs/dataset/stream_shards.h"
#include "libs/service/run.h"
#include "services/sink/probe.h"
#include "services/sink/sink.h"

namespace {

using winnow::Result;
using winnow::service::ServiceConfig;
using winnow::spec::CollectionSpec;
using winnow::stream::PartitionOutputFactory;
using winnow::stream::StageObserver;

Result<PartitionOutputFactory> Outputs(const CollectionSpec& spec, const ServiceConfig& config) {
  winnow::dataset::PartitionShardOptions options;
  options.directory = config.sink.directory;
  options.collection = spec.collection;
  options.topic = winnow::kafka::TopicName(winnow::kafka::FlowOf("sink").input,
                                           config.kafka.topic_prefix);
  options.max_images = spec.output.shard_images;
  options.max_bytes = spec.output.shard_bytes;
  options.splits = spec.output.splits;
  return PartitionOutputFactory([options](int partition) mutable {
    options.partition = partition;
    return winnow::dataset::NewPartitionShards(options, winnow::dataset::PosixFiles());
  });
}

Result<std::unique_ptr<StageObserver>> Probe(const CollectionSpec& spec,
                                             const ServiceConfig& config,
                                             winnow::telemetry::Metrics& metrics) {
  WINNOW_ASSIGN_OR_RETURN(const auto parts,
                          winnow::dataset::ReadParts(config.sink.directory,
                                                     winnow::dataset::PosixFiles()));
  std::map<std::string, std::uint64_t> published;
  for (const winnow::dataset::Part& part : parts) {
    for (const auto& [label, images] : part.class_counts) published[label] += images;
  }
  return std::unique_ptr<StageObserver>(
      std::make_unique<winnow::sink::SinkProbe>(spec, published, metrics));
}

}  // namespace

int main(int argc, char** argv) {
  auto service = winnow::service::ServiceOf(winnow::kafka::FlowOf("sink"));
  service.summary = "Writes the images of images.selected into shards";
  service.processors = winnow::service::FromSpec(winnow::sink::NewSink);
  service.outputs = Outputs;
  service.probe = Probe;
  return winnow::service::Run(argc, argv, service);
}
