// winnow-deduper: images.safe -> images.unique.
#include "libs/service/run.h"
#include "services/deduper/deduper.h"

int main(int argc, char** argv) {
  winnow::service::StageService service;
  service.stage = "deduper";
  service.summary = "Drops copies and near-duplicates among the images of images.safe";
  service.input = winnow::kafka::Topic::kSafe;
  service.output = winnow::kafka::Topic::kUnique;
  service.payload = winnow::kafka::PayloadUse::kUntouched;
  service.stateful = true;
  service.processors = winnow::service::FromSpec(winnow::deduper::NewDeduper);
  return winnow::service::Run(argc, argv, service);
}
