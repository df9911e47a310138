// Takes samples out of published parts, beside other writers of the partition. Internal to
// stream_shards.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "libs/base/result.h"
#include "libs/dataset/part.h"
#include "libs/dataset/stream_shards.h"
#include "libs/stream/partition_output.h"

namespace winnow::dataset {

// A shard or manifest of a rewrite in the staging directory.
struct StagedRewrite {
  std::string shard;
  int generation = 0;
};
// nullopt: the name of something else.
std::optional<StagedRewrite> ParseStagedRewrite(std::string_view file_name);

// The order of file calls here is what keeps a sample that was taken out from coming back;
// README.md says why. One thread.
class PartRewriter {
 public:
  // options.writer must be set. `files` must outlive the object.
  PartRewriter(PartitionShardOptions options, Files& files);

  // Finishes what was committed of these parts, in their last generation, and removes those of the
  // `staged` files that cannot be committed any more. kUnavailable if another writer is at it.
  Status Recover(const std::vector<StoredPart>& parts, const std::vector<std::string>& staged);

  // Takes the records `ids`, all of which its shard must hold, out of the part, whose last
  // generation must be `generation`. Returns what is gone. kUnavailable if another writer was
  // first.
  Result<stream::TakenOut> TakeOut(const std::string& shard, int generation,
                                   const std::set<std::string>& ids);

 private:
  Result<Rewrite> Stage(const Part& part, const std::set<std::string>& ids,
                        stream::TakenOut& taken_out);
  void RemoveOwn(const std::string& shard, int generation);
  Result<bool> HasGeneration(const std::string& shard, int generation);
  Status Commit(const Rewrite& rewrite);
  Status Finish(const Rewrite& rewrite);
  Status RemoveStaged(const std::string& shard, int generation,
                      const std::vector<std::string>& staged);
  Error TakenOver(const std::string& shard) const;
  std::string StagedPath(const Rewrite& rewrite) const;
  std::string ManifestPath(const Rewrite& rewrite) const;

  const PartitionShardOptions options_;
  Files& files_;
  const std::string staging_;
  const std::string shards_;
  const std::string parts_;
};

// The labels that the JSON of a sample names; none if it cannot be read.
std::set<std::string> LabelsOf(const std::string& sample_json);

// Counts one sample less of each label of its JSON.
void Uncount(const std::string& sample_json, std::map<std::string, std::uint64_t>& class_counts,
             stream::TakenOut& taken_out);

// A new file at `path` with `text` in it, synced, in place of what was there.
Status WriteStaged(Files& files, const std::string& path, const std::string& text);

}  // namespace winnow::dataset
