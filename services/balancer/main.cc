// winnow-balancer: images.unique -> images.selected.
#include "libs/service/run.h"
#include "services/balancer/balancer.h"
#include "services/balancer/probe.h"

namespace {

using winnow::Result;
using winnow::service::ServiceConfig;
using winnow::spec::CollectionSpec;
using winnow::stream::StageObserver;

Result<std::unique_ptr<StageObserver>> Probe(const CollectionSpec& spec, const ServiceConfig&,
                                             winnow::telemetry::Metrics& metrics) {
  return std::unique_ptr<StageObserver>(
      std::make_unique<winnow::balancer::BalancerProbe>(spec, metrics));
}

}  // namespace

int main(int argc, char** argv) {
  auto service = winnow::service::ServiceOf(winnow::kafka::FlowOf("balancer"));
  service.summary = "Admits the images of images.unique that the target shares have room for";
  service.payload = winnow::kafka::PayloadUse::kByReference;
  service.processors = winnow::service::FromSpec(winnow::balancer::NewBalancer);
  service.probe = Probe;
  return winnow::service::Run(argc, argv, service);
}
