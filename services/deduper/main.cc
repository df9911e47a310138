// winnow-deduper: images.safe -> images.unique.
#include "libs/service/run.h"
#include "services/deduper/deduper.h"

namespace {

using winnow::Result;
using winnow::service::ServiceConfig;
using winnow::spec::CollectionSpec;
using winnow::stream::ProcessorFactory;

Result<ProcessorFactory> Processors(const CollectionSpec& spec, const ServiceConfig&) {
  return ProcessorFactory([spec]() -> Result<std::unique_ptr<winnow::stream::Processor>> {
    return winnow::deduper::NewDeduper(spec);
  });
}

}  // namespace

int main(int argc, char** argv) {
  winnow::service::StageService service;
  service.stage = "deduper";
  service.summary = "Drops copies and near-duplicates among the images of images.safe";
  service.input = winnow::kafka::Topic::kSafe;
  service.output = winnow::kafka::Topic::kUnique;
  service.payload = winnow::kafka::PayloadUse::kUntouched;
  service.stateful = true;
  service.processors = Processors;
  return winnow::service::Run(argc, argv, service);
}
