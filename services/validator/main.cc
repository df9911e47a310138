// winnow-validator: images.raw -> images.valid.
#include "libs/service/run.h"
#include "services/validator/probe.h"
#include "services/validator/validator.h"

namespace {

using winnow::Result;
using winnow::service::ServiceConfig;
using winnow::spec::CollectionSpec;
using winnow::stream::StageObserver;

Result<std::unique_ptr<StageObserver>> Probe(const CollectionSpec&, const ServiceConfig& config,
                                             winnow::telemetry::Metrics& metrics) {
  static const winnow::SystemClock clock;
  return std::unique_ptr<StageObserver>(
      std::make_unique<winnow::validator::ValidatorProbe>(config.sources, metrics, clock));
}

}  // namespace

int main(int argc, char** argv) {
  auto service = winnow::service::ServiceOf(winnow::kafka::FlowOf("validator"));
  service.summary = "Decodes, measures and checks each image of images.raw";
  service.payload = winnow::kafka::PayloadUse::kBytes;
  service.processors = winnow::service::FromSpec(winnow::validator::NewValidator);
  service.probe = Probe;
  return winnow::service::Run(argc, argv, service);
}
