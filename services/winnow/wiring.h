// Which processors make up the pipeline, and with what.
#pragma once

#include <string>
#include <vector>

#include "libs/base/result.h"
#include "libs/ingest/folder_source.h"
#include "libs/local/local_runner.h"
#include "libs/spec/spec.h"
#include "services/deduper/hamming_index.h"

namespace winnow::cli {

// validator, privacy-blurrer, deduper, balancer, sink. Loads the detector once to prove that it
// can: kConfig if the spec asks for one that is missing or has another checksum. No image passes
// without it. `index`: the room for the deduper's.
Result<std::vector<local::StagePlan>> PlanStages(const spec::CollectionSpec& spec,
                                                 const std::string& model_directory,
                                                 const deduper::HammingIndex::Options& index = {});

// Of PlanStages, in order.
const std::vector<std::string>& StageNames();

// How a folder is read for this spec.
ingest::FolderOptions FolderOptionsFor(const spec::CollectionSpec& spec, const std::string& root);

}  // namespace winnow::cli
