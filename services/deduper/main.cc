// winnow-deduper: images.safe -> images.unique.
#include "libs/service/run.h"
#include "services/deduper/deduper.h"

int main(int argc, char** argv) {
  auto service = winnow::service::ServiceOf(winnow::kafka::FlowOf("deduper"));
  service.summary = "Drops copies and near-duplicates among the images of images.safe";
  service.payload = winnow::kafka::PayloadUse::kUntouched;
  service.processors = winnow::service::FromSpec(winnow::deduper::NewDeduper);
  return winnow::service::Run(argc, argv, service);
}
