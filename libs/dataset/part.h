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

inline constexpr int kPartVersion = 1;

std::string PartDirectory(const std::string& dataset_directory);

// "street-train-p003-000000001200.tar".
std::string PartName(const CollectionId& collection, std::string_view split, int partition,
                     std::int64_t begin);

// Whether a file's name begins with that of a shard of this collection and partition.
bool IsOfPartition(std::string_view file_name, const CollectionId& collection, int partition);

std::string FormatPart(const Part& part);
// kConfig for another format version, kCorruptState for what cannot be read; `path` is for the
// message.
Result<Part> ParsePart(const std::string& text, const std::string& path);

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
