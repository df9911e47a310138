// winnow-validator: images.raw -> images.valid.
#include "libs/service/run.h"
#include "services/validator/validator.h"

namespace {

using winnow::Result;
using winnow::service::ServiceConfig;
using winnow::spec::CollectionSpec;
using winnow::stream::ProcessorFactory;

Result<ProcessorFactory> Processors(const CollectionSpec& spec, const ServiceConfig&) {
  return ProcessorFactory([spec]() -> Result<std::unique_ptr<winnow::stream::Processor>> {
    return winnow::validator::NewValidator(spec);
  });
}

}  // namespace

int main(int argc, char** argv) {
  winnow::service::StageService service;
  service.stage = "validator";
  service.summary = "Decodes, measures and checks each image of images.raw";
  service.input = winnow::kafka::Topic::kRaw;
  service.output = winnow::kafka::Topic::kValid;
  service.payload = winnow::kafka::PayloadUse::kBytes;
  service.processors = Processors;
  return winnow::service::Run(argc, argv, service);
}
