#include "services/winnow/wiring.h"

#include <memory>

#include "services/balancer/balancer.h"
#include "services/deduper/deduper.h"
#include "services/privacy-blurrer/factory.h"
#include "services/sink/sink.h"
#include "services/validator/validator.h"

namespace winnow::cli {
namespace {

using ProcessorPtr = std::unique_ptr<stream::Processor>;
using NewProcessor = ProcessorPtr (*)(const spec::CollectionSpec&);

stream::ProcessorFactory Factory(NewProcessor make, const spec::CollectionSpec& spec) {
  return [make, spec]() -> Result<ProcessorPtr> { return make(spec); };
}

}  // namespace

const std::vector<std::string>& StageNames() {
  static const std::vector<std::string> names = {"validator", "privacy-blurrer", "deduper",
                                                 "balancer", "sink"};
  return names;
}

Result<std::vector<local::StagePlan>> PlanStages(const spec::CollectionSpec& spec,
                                                 const std::string& model_directory,
                                                 const deduper::HammingIndex::Options& index) {
  WINNOW_ASSIGN_OR_RETURN(const stream::ProcessorFactory make_blurrer,
                          privacy::NewBlurrerFactory(spec, model_directory));
  return std::vector<local::StagePlan>{
      {"validator", Factory(validator::NewValidator, spec)},
      {"privacy-blurrer", make_blurrer},
      {"deduper",
       [spec, index]() -> Result<ProcessorPtr> { return deduper::NewDeduperWith(spec, index); }},
      {"balancer", Factory(balancer::NewBalancer, spec)},
      {"sink", Factory(sink::NewSink, spec)},
  };
}

ingest::FolderOptions FolderOptionsFor(const spec::CollectionSpec& spec, const std::string& root) {
  ingest::FolderOptions options;
  options.root = root;
  options.id = spec.ingest.source;
  options.collection = spec.collection;
  options.max_bytes = spec.validate.max_bytes;
  options.labels = spec.ingest.label_from == spec::LabelFrom::kParentDirectory
                       ? ingest::FolderLabels::kParentDirectory
                       : ingest::FolderLabels::kFiles;
  options.classes = spec.objective.classes;
  return options;
}

}  // namespace winnow::cli
