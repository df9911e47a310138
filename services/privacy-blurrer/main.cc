// winnow-privacy-blurrer: images.valid -> images.safe.
#include "libs/service/models.h"
#include "libs/service/run.h"
#include "services/privacy-blurrer/factory.h"
#include "services/privacy-blurrer/probe.h"

namespace {

using winnow::Result;
using winnow::service::ServiceConfig;
using winnow::spec::CollectionSpec;
using winnow::stream::ProcessorFactory;
using winnow::stream::StageObserver;

std::atomic<int> detectors = 0;

Result<ProcessorFactory> Processors(const CollectionSpec& spec, const ServiceConfig& config) {
  return winnow::privacy::NewBlurrerFactory(
      spec, winnow::service::FindModelDirectory(config.models), &detectors);
}

Result<std::unique_ptr<StageObserver>> Probe(const CollectionSpec&, const ServiceConfig&,
                                             winnow::telemetry::Metrics& metrics) {
  return std::unique_ptr<StageObserver>(
      std::make_unique<winnow::privacy::BlurrerProbe>(metrics, detectors));
}

}  // namespace

int main(int argc, char** argv) {
  auto service = winnow::service::ServiceOf(winnow::kafka::FlowOf("privacy-blurrer"));
  service.summary = "Destroys the faces on each image of images.valid and strips metadata";
  service.payload = winnow::kafka::PayloadUse::kBytes;
  // A picture takes up to half a second of a lane, a commit some milliseconds: small batches cost
  // nothing, pass the first picture on in seconds, and are done well within the time to stop.
  service.defaults.commit.records = 8;
  service.processors = Processors;
  service.probe = Probe;
  return winnow::service::Run(argc, argv, service);
}
