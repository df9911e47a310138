// The folders a run works in, and proof that they belong to its spec.
#pragma once

#include <string>

#include "libs/base/result.h"
#include "libs/dataset/files.h"
#include "libs/spec/spec.h"

namespace winnow::cli {

// Layout: OUTPUT/{shards/, manifest.json, rejected.jsonl, report.html} is the dataset;
// OUTPUT/.winnow/ holds what a resumed run needs: owner.json, staging/ and, unless --state names
// another place, state/. A state directory holds owner.json and db/.
struct Workspace {
  std::string output;
  std::string state;

  std::string Path(std::string_view name) const { return dataset::JoinPath(output, name); }
  std::string Database() const { return dataset::JoinPath(state, "db"); }
};

// Where the state lies if nobody says otherwise.
std::string DefaultState(const std::string& output);

// Makes the folders, or recognises those of an earlier run of the same spec. kConfig, and nothing
// written, if one belongs to another collection or spec, holds other files, cannot be written to,
// or if only one of the two is new.
Result<Workspace> ClaimWorkspace(dataset::Files& files, const spec::CollectionSpec& spec,
                                 const std::string& output, const std::string& state);

// kConfig unless the folder holds the state of a run of this spec.
Status CheckState(dataset::Files& files, const spec::CollectionSpec& spec,
                  const std::string& state);

}  // namespace winnow::cli
