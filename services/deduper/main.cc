// winnow-deduper: images.safe -> images.unique.
#include "libs/service/run.h"
#include "services/deduper/deduper.h"
#include "services/deduper/probe.h"

namespace {

using winnow::Result;
using winnow::deduper::HammingIndex;
using winnow::service::ServiceConfig;
using winnow::spec::CollectionSpec;
using winnow::stream::ProcessorFactory;
using winnow::stream::StageObserver;

Result<ProcessorFactory> Processors(const CollectionSpec& spec, const ServiceConfig& config) {
  const HammingIndex::Options index = {.memory_bytes = config.deduper.index_memory,
                                       .spill_directory = config.state_directory + "/index"};
  return ProcessorFactory([spec, index]() -> Result<std::unique_ptr<winnow::stream::Processor>> {
    return winnow::deduper::NewDeduperWith(spec, index);
  });
}

Result<std::unique_ptr<StageObserver>> Probe(const CollectionSpec&, const ServiceConfig&,
                                             winnow::telemetry::Metrics& metrics) {
  return std::unique_ptr<StageObserver>(
      std::make_unique<winnow::deduper::DeduperProbe>(metrics));
}

}  // namespace

int main(int argc, char** argv) {
  auto service = winnow::service::ServiceOf(winnow::kafka::FlowOf("deduper"));
  service.summary = "Drops copies and near-duplicates among the images of images.safe";
  // Its records are small where payloads go by reference: bytes and time decide about a commit.
  service.defaults.commit.records = 10'000;
  service.payload = winnow::kafka::PayloadUse::kUntouched;
  service.processors = Processors;
  service.probe = Probe;
  return winnow::service::Run(argc, argv, service);
}
