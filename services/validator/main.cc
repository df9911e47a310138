// winnow-validator: images.raw -> images.valid.
#include "libs/service/run.h"
#include "services/validator/validator.h"

int main(int argc, char** argv) {
  auto service = winnow::service::ServiceOf(winnow::kafka::FlowOf("validator"));
  service.summary = "Decodes, measures and checks each image of images.raw";
  service.payload = winnow::kafka::PayloadUse::kBytes;
  service.processors = winnow::service::FromSpec(winnow::validator::NewValidator);
  return winnow::service::Run(argc, argv, service);
}
