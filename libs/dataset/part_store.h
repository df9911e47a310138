// The published parts of one partition on disk: how one is published, and what is found after a
// crash or beside a live second writer. Internal to stream_shards.
#pragma once

#include <string>
#include <vector>

#include "libs/base/result.h"
#include "libs/dataset/part.h"
#include "libs/dataset/part_rewriter.h"
#include "libs/dataset/stream_shards.h"

namespace winnow::dataset {

// The order of file calls here is what exactly-once rests on; README.md says why. One thread.
class PartStore {
 public:
  // options.writer must be set. `files` must outlive the object.
  PartStore(PartitionShardOptions options, Files& files);

  struct Found {
    std::vector<Part> parts;  // of this partition, in their last generation
    std::int64_t complete_until = 0;
  };
  // Finishes what was committed, removes what was not: also what a live other writer has staged to
  // be published, which then cannot publish it.
  Result<Found> Recover();

  // Where to write a shard before it is published.
  std::string StagedPath(const std::string& shard_name) const;

  // part.shard must describe the closed and synced file at StagedPath. kUnavailable if another
  // writer has published that range or taken over the partition; nothing is staged any more then.
  Status Publish(const Part& part);

  // As PartRewriter.
  Result<stream::TakenOut> TakeOut(const std::string& shard_name, int generation,
                                   const std::set<std::string>& ids) {
    return rewriter_.TakeOut(shard_name, generation, ids);
  }

  // Records that all before `complete_until` is in parts or held nothing.
  Status WriteMark(std::int64_t complete_until);

 private:
  Status RemoveStagedMarks(const std::vector<std::string>& staged);
  Status RemoveStagedShards(const std::vector<std::string>& staged);
  Status FinishStagedManifest(const std::string& staged);
  Result<bool> IsCommitted(const std::string& staged_path, const std::string& shard_name);
  Status CheckStrangers(const std::vector<std::string>& shards) const;
  Status CheckOrigin(const std::string& path, const std::string& topic) const;
  Result<std::vector<StoredPart>> ReadOwn();
  Status CheckShares(const Part& part) const;
  Result<std::int64_t> ReadOwnMark();
  Status MoveIntoShards(const Part& part);
  Status MoveManifest(const std::string& from, const std::string& to);
  Status CheckOwn(const Part& part);
  Error TakenOver(const Part& part);

  const PartitionShardOptions options_;
  Files& files_;
  PartRewriter rewriter_;
  const std::string staging_;
  const std::string shards_;
  const std::string parts_;
};

}  // namespace winnow::dataset
