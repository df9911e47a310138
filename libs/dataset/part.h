// Manifests of published parts: names, bytes, and how they are found in a dataset directory.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/base/result.h"
#include "libs/dataset/stream_shards.h"

namespace winnow::dataset {

inline constexpr int kPartVersion = 2;  // 1 knew nothing of replaced records; it is read

std::string PartDirectory(const std::string& dataset_directory);

// "street-train-p003-000000001200.tar".
std::string PartName(const CollectionId& collection, std::string_view split, int partition,
                     std::int64_t begin);

// Whether a file's name begins with that of a shard of this collection and partition.
bool IsOfPartition(std::string_view file_name, const CollectionId& collection, int partition);

// Of generation 0, as it is when the part is published.
std::string FormatPart(const Part& part);
// kConfig for another format version, kCorruptState for what cannot be read; `path` is for the
// message.
Result<Part> ParsePart(const std::string& text, const std::string& path);

// What became of a part's shard when samples were taken out of it. Everything that is not told here
// is as the part was published.
struct Rewrite {
  std::string shard;
  int generation = 1;
  std::string writer;  // of whose name the staged shard is
  std::uint64_t samples = 0;
  std::uint64_t bytes = 0;
  std::string sha256;
  std::map<std::string, std::uint64_t> class_counts;
  std::vector<std::string> superseded;  // those of earlier generations first
};
std::string RewriteName(std::string_view shard, int generation);  // "SHARD.tar.r1.json"
std::string FormatRewrite(const Rewrite& rewrite);
Result<Rewrite> ParseRewrite(const std::string& text, const std::string& path);
// False if the two do not belong together.
bool Apply(const Rewrite& rewrite, Part& part);

// The manifests of a directory: the first of each part, and its last generation if it was
// rewritten.
struct PartFiles {
  std::string shard;   // name
  int generation = 0;  // the last one
};
std::vector<PartFiles> FindParts(const std::vector<std::string>& file_names);
// The part with its last generation applied, and that one's manifest where there is one.
struct StoredPart {
  Part part;
  std::optional<Rewrite> rewrite;
};
Result<StoredPart> ReadPart(Files& files, const std::string& part_directory,
                            const PartFiles& found);

// nullopt: no such file.
Result<std::optional<std::string>> ReadSmallFile(Files& files, const std::string& path);

// A partition's complete_until where no part says it: after offsets that held nothing to publish.
struct Mark {
  std::string topic;
  int partition = 0;
  std::int64_t complete_until = 0;
};
std::string MarkName(const CollectionId& collection, int partition);  // "street-p003.mark"
std::string FormatMark(const Mark& mark);
Result<Mark> ParseMark(const std::string& text, const std::string& path);

}  // namespace winnow::dataset
