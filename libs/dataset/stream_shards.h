// Writes what a sink reads from one partition of a log as WebDataset shards, exactly once and
// without state: each published part (a shard and its manifest) says which offsets it covers.
// Layout, format and why sealing at any moment is safe: README.md.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "libs/base/ids.h"
#include "libs/base/result.h"
#include "libs/dataset/files.h"
#include "libs/dataset/shard_output.h"
#include "libs/stream/partition_output.h"

namespace winnow::dataset {

struct PartitionShardOptions {
  std::string directory;    // of the dataset; shared by the sinks of all partitions
  CollectionId collection;  // letters, digits, '-' and '_'
  std::string topic;
  int partition = 0;
  // A part is published before the sample that would take it beyond either. A sample larger than
  // max_bytes gets a shard to itself.
  std::uint64_t max_images = 10'000;
  std::uint64_t max_bytes = 1ull << 30;  // of the tar file
  // A part is published when the log has gone on this far since its first sample, so that a rare
  // split does not make a restart read far back.
  std::uint64_t max_span = 200'000;
  // The shares records are split by. A dataset keeps those it began with: with others, records in
  // the log would fall between the ranges. Empty: not checked.
  std::map<std::string, double> splits = {};
  // Unique to this writer, letters and digits: part of the names of what it stages. Empty: drawn at
  // random.
  std::string writer = {};
};

// One open shard per split. Several processes may write different partitions into one directory; of
// two writers of the same partition only one can publish a given range or rewrite a given part, the
// other gets kUnavailable and is to be made anew. What a record of a published part replaces is not
// stored any more: it is dropped if it is in a shard not yet published, taken out by TakeOut if it
// is in one that is, and counts as stored before (kRepeated) if it comes later. Open: kConfig for a
// directory, collection or shares that cannot be used, kCorruptState if manifests cannot be read,
// contradict each other or stem from another topic. Append: kBug for a record without SafePayload
// bytes or split, or an offset that does not ascend. Buffers at most 1 MiB per split and keeps 24
// to 48 bytes per published image (README.md). `files` must outlive the output.
Result<std::unique_ptr<stream::PartitionOutput>> NewPartitionShards(
    const PartitionShardOptions& options, Files& files);

// A published part.
struct Part {
  Shard shard;
  std::string collection;
  std::string topic;
  int partition = 0;
  // Of all records of the range [begin, end) that belong to the split, the shard has those that
  // were not stored before. The ranges of a split of a partition follow each other from 0.
  std::int64_t begin = 0;
  std::int64_t end = 0;
  // When it was published, all offsets below this one were in published parts of the partition or
  // held nothing to publish.
  std::int64_t complete_until = 0;
  std::vector<std::string> ids;  // of the records, in the order of the shard
  // Ids whose place records of this part take, wherever those were.
  std::vector<std::string> replaces;
  // Ids of this range that were taken out of the shard or never got into it, for a better copy.
  std::vector<std::string> superseded;
  // How often the shard was rewritten after it was published; shard, ids, superseded and
  // class_counts are as the last time left them.
  int generation = 0;
  std::map<std::string, std::uint64_t> class_counts;  // images with at least one such label
  std::map<std::string, double> splits;               // as in the options
  friend bool operator==(const Part&, const Part&) = default;
};

// All published parts by shard name, in their last generation; empty if there are none. kConfig for
// a format version this Winnow does not know, kCorruptState for a manifest that cannot be read. A
// part whose publication was cut off counts once its sink runs again.
Result<std::vector<Part>> ReadParts(const std::string& directory, Files& files);

// One line per gap or overlap between the ranges of a partition and split.
std::vector<std::string> CheckRanges(const std::vector<Part>& parts);
// One line per id that is in more than one place.
std::vector<std::string> CheckIds(const std::vector<Part>& parts);
// Ids that are in a shard although a record of a published part takes their place: their sink has
// yet to take them out. By shard name.
std::map<std::string, std::vector<std::string>> FindReplaced(const std::vector<Part>& parts);

}  // namespace winnow::dataset
