// manifest.json: what a dataset consists of, and the check that it still does.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "libs/base/result.h"
#include "libs/dataset/files.h"
#include "libs/dataset/shard_output.h"

namespace winnow::dataset {

inline constexpr int kManifestVersion = 1;
inline constexpr const char* kManifestName = "manifest.json";

struct ModelUse {
  std::string name;    // "centerface"
  std::string digest;  // SHA-256, hex
  friend bool operator==(const ModelUse&, const ModelUse&) = default;
};

// received = stored + rejected + review + deferred.
struct DatasetTotals {
  std::uint64_t received = 0;
  std::uint64_t stored = 0;
  std::uint64_t rejected = 0;
  std::uint64_t review = 0;
  std::uint64_t deferred = 0;
  friend bool operator==(const DatasetTotals&, const DatasetTotals&) = default;
};

struct Manifest {
  std::string collection;
  std::string spec_digest;
  std::vector<ModelUse> models;
  DatasetTotals totals;
  std::map<std::string, std::uint64_t> class_counts;  // stored images with at least one such label
  std::map<std::string, std::uint64_t> splits;        // stored images; set by WriteManifest
  std::vector<Shard> shards;                          // from ReadShards, by name
  friend bool operator==(const Manifest&, const Manifest&) = default;
};

// All or nothing, last of all files: a directory with a manifest is a whole dataset. Equal
// manifests give equal bytes; there is no time in them. kBug if the totals break the law of
// conservation or disagree with the shards.
Status WriteManifest(const std::string& directory, Manifest manifest, Files& files);

// kConfig if there is none or it is of another version, kCorruptState if it cannot be read.
Result<Manifest> ReadManifest(const std::string& directory, Files& files);

// Reads the whole dataset back and compares it with its manifest: every shard there, no other, of
// the recorded size and SHA-256; whole samples of one image and its JSON, next to each other, no
// key twice; counts as recorded. A dataset of services has no manifest.json: it is compared with
// the manifests of its parts, whose ranges must leave no gap, and must hold nothing whose place a
// better copy took. One line per problem; empty means
// sound. An Error only where a manifest itself cannot be read. Uses the real file system.
Result<std::vector<std::string>> VerifyDataset(const std::string& directory);

}  // namespace winnow::dataset
