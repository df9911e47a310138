#include "tests/integration/sink_setup.h"

#include "libs/dataset/stream_shards.h"
#include "services/sink/sink.h"
#include "tests/integration/test_stages.h"

namespace winnow::integration {
namespace {

spec::CollectionSpec SinkSpec() {
  spec::CollectionSpec spec;
  spec.collection = CollectionId(std::string(kCollection));
  spec.output.splits = {{"test", 0.1}, {"train", 0.6}, {"val", 0.3}};
  return spec;
}

}  // namespace

kafka::SinkOptions SinkOptionsOf(const std::string& brokers, const std::string& prefix,
                                 const std::string& instance) {
  kafka::SinkOptions options;
  options.client.brokers = brokers;
  options.topic_prefix = prefix;
  options.instance = instance;
  options.collection = SinkSpec().collection;
  options.seal_when_idle = std::chrono::milliseconds(0);
  options.session_timeout = std::chrono::milliseconds(3'000);
  return options;
}

stream::ProcessorFactory SinkProcessors() {
  return []() -> Result<std::unique_ptr<stream::Processor>> { return sink::NewSink(SinkSpec()); };
}

stream::PartitionOutputFactory SinkOutputs(const std::string& prefix, const std::string& directory,
                                           dataset::Files& files) {
  dataset::PartitionShardOptions options;
  options.directory = directory;
  options.collection = SinkSpec().collection;
  options.topic = kafka::TopicName(kafka::Topic::kSelected, prefix);
  options.max_images = 4;
  options.splits = SinkSpec().output.splits;
  return [options, &files](int partition) {
    dataset::PartitionShardOptions own = options;
    own.partition = partition;
    return dataset::NewPartitionShards(own, files);
  };
}

}  // namespace winnow::integration
