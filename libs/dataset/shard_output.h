// Writes stored records as WebDataset shards, exactly once, in step with the pipeline's state.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "libs/base/ids.h"
#include "libs/base/result.h"
#include "libs/dataset/files.h"
#include "libs/stream/output.h"

namespace winnow::dataset {

struct ShardOptions {
  std::string directory;    // of the dataset; made if it is not there
  CollectionId collection;  // letters, digits, '-' and '_'
  // A shard is closed before the sample that would take it beyond either. A sample larger than
  // max_bytes gets a shard to itself.
  std::uint64_t max_images = 10'000;
  std::uint64_t max_bytes = 1ull << 30;  // of the tar file
};

// One open shard per split, staged in DIRECTORY/.winnow/staging and renamed into DIRECTORY/shards
// when closed. Append wants record.placement->split set and a SafePayload (kBug otherwise), fills
// in shard and key, and buffers at most 1 MiB per split.
//
// The same records in the same order give byte-identical shards, wherever commits and crashes fall.
// After an Error every call but Recover repeats it: throw the output away, or Recover and append
// from the last commit again. kConfig for a directory or collection that cannot be used;
// kCorruptState if directory and state contradict each other. `files` must outlive the output.
Result<std::unique_ptr<stream::Output>> NewShardOutput(const ShardOptions& options, Files& files);

// A shard that is closed for good.
struct Shard {
  std::string name;  // "street-train-000003.tar"
  std::string split;
  std::uint64_t samples = 0;
  std::uint64_t bytes = 0;
  std::string sha256;  // hex, of the file
  friend bool operator==(const Shard&, const Shard&) = default;
};

// All closed shards the state knows, by name. kCorruptState if an entry cannot be read.
Result<std::vector<Shard>> ReadShards(const stream::StateView& state);

// Where things are within a dataset directory.
std::string ShardDirectory(const std::string& dataset_directory);
std::string StagingDirectory(const std::string& dataset_directory);

}  // namespace winnow::dataset
