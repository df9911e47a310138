// A partition's log and a sink that reads it, for the tests of stream_shards.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "libs/base/digest.h"
#include "libs/dataset/dataset_test_records.h"
#include "libs/dataset/stream_shards.h"

namespace winnow::dataset {

// Of every five offsets one holds nothing and one repeats a record from before.
class TestLog {
 public:
  explicit TestLog(int size) : size_(size) {}

  std::int64_t end() const { return size_; }
  // nullopt: nothing for the sink (a transaction's marker, a dead letter).
  std::optional<record::ImageRecord> At(std::int64_t offset) const {
    if (offset % 5 == 3) return std::nullopt;
    const std::int64_t index = offset % 5 == 4 ? offset / 2 / 5 * 5 : offset;
    return StoredRecord(static_cast<int>(index));
  }
  std::vector<std::string> Ids() const {
    std::vector<std::string> ids;
    for (std::int64_t offset = 0; offset < size_; ++offset) {
      if (const auto record = At(offset)) ids.push_back(record->id.value());
    }
    std::sort(ids.begin(), ids.end());
    ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
    return ids;
  }

 private:
  int size_;
};

inline PartitionShardOptions SmallParts(std::string writer = "w") {
  PartitionShardOptions options;
  options.directory = "out";
  options.collection = CollectionId("street");
  options.topic = "images.selected";
  options.partition = 3;
  options.max_images = 4;
  options.writer = std::move(writer);
  return options;
}

// One life of a sink: opens, reads on from where it is told, seals at the end.
inline Status RunSinkLife(const TestLog& log, const PartitionShardOptions& options, Files& files) {
  WINNOW_ASSIGN_OR_RETURN(const auto output, NewPartitionShards(options, files));
  WINNOW_ASSIGN_OR_RETURN(const std::int64_t from, output->Open());
  for (std::int64_t offset = from; offset < log.end(); ++offset) {
    auto record = log.At(offset);
    if (!record) continue;
    WINNOW_ASSIGN_OR_RETURN(const auto result, output->Append(*record, offset));
    static_cast<void>(result);
  }
  return output->Seal(log.end());
}

// Every record once, ranges whole, shards as their manifests say, nothing staged.
inline void ExpectWhole(const TestLog& log, const std::map<std::string, std::string>& contents,
                        const std::vector<Part>& parts) {
  EXPECT_THAT(CheckRanges(parts), ::testing::IsEmpty());
  EXPECT_THAT(CheckIds(parts), ::testing::IsEmpty());
  std::vector<std::string> ids;
  for (const Part& part : parts) {
    ids.insert(ids.end(), part.ids.begin(), part.ids.end());
    const auto shard = contents.find("out/shards/" + part.shard.name);
    ASSERT_NE(shard, contents.end()) << part.shard.name;
    EXPECT_EQ(shard->second.size(), part.shard.bytes);
    EXPECT_EQ(ToHex(Sha256(shard->second)), part.shard.sha256);
  }
  std::sort(ids.begin(), ids.end());
  EXPECT_EQ(ids, log.Ids());
  std::size_t shards = 0;
  for (const auto& [path, bytes] : contents) {
    EXPECT_NE(path.rfind("out/.winnow/staging/", 0), 0u) << path;
    shards += path.rfind("out/shards/", 0) == 0 ? 1 : 0;
  }
  EXPECT_EQ(shards, parts.size());
}

}  // namespace winnow::dataset
