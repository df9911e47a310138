// The files that make a finished run a dataset: rejects, report and, last, the manifest.
#pragma once

#include <cstddef>
#include <vector>

#include "libs/base/result.h"
#include "libs/local/local_runner.h"
#include "libs/spec/spec.h"
#include "libs/state/state_store.h"
#include "libs/stream/source.h"
#include "services/winnow/workspace.h"

namespace winnow::cli {

// What a complete run leaves behind.
struct FinishedRun {
  const spec::CollectionSpec& spec;
  const stream::Source& source;  // to show pictures again
  const std::vector<local::StagePlan>& stages;
  const state::StateStore& store;
  const Workspace& workspace;
  const local::Totals& totals;
  std::size_t threads = 1;
};

// Writes rejected.jsonl, report.html and manifest.json, each all or nothing, from the state alone:
// the same state gives the same bytes. If nothing has changed since they were written, report and
// manifest stay as they are.
Status FinishDataset(const FinishedRun& run);

}  // namespace winnow::cli
