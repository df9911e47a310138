// A partition's log and a sink that reads it, for the tests of stream_shards.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "libs/base/digest.h"
#include "libs/dataset/dataset_test_records.h"
#include "libs/dataset/stream_shards.h"

namespace winnow::dataset {

// Of every five offsets one holds nothing and one repeats a record from before.
class TestLog {
 public:
  // `replaces`: the index of a record and of one whose place it takes.
  explicit TestLog(int size, std::multimap<int, int> replaces = {})
      : size_(size), replaces_(std::move(replaces)) {}

  std::int64_t end() const { return size_; }
  // nullopt: nothing for the sink (a transaction's marker, a dead letter).
  std::optional<record::ImageRecord> At(std::int64_t offset) const {
    if (offset % 5 == 3) return std::nullopt;
    const std::int64_t index = offset % 5 == 4 ? offset / 2 / 5 * 5 : offset;
    record::ImageRecord record = StoredRecord(static_cast<int>(index));
    const auto [begin, end] = replaces_.equal_range(static_cast<int>(index));
    for (auto replaced = begin; replaced != end; ++replaced) {
      if (!record.duplicate) record.duplicate = record::Duplicate{};
      record.duplicate->replaces.push_back(StoredRecord(replaced->second).id);
    }
    return record;
  }
  // Of the records whose place others take.
  std::set<std::string> Replaced() const {
    std::set<std::string> ids;
    for (const auto& [by, replaced] : replaces_) ids.insert(StoredRecord(replaced).id.value());
    return ids;
  }
  // What is to be in the dataset in the end.
  std::vector<std::string> Ids() const {
    std::vector<std::string> ids;
    const std::set<std::string> replaced = Replaced();
    for (std::int64_t offset = 0; offset < size_; ++offset) {
      const auto record = At(offset);
      if (record && replaced.count(record->id.value()) == 0) ids.push_back(record->id.value());
    }
    std::sort(ids.begin(), ids.end());
    ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
    return ids;
  }

 private:
  int size_;
  std::multimap<int, int> replaces_;
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

// Appends what the log holds from `from` on; after each publication takes out of one part.
inline Status Feed(const TestLog& log, std::int64_t from, std::int64_t end,
                   stream::PartitionOutput& output) {
  for (std::int64_t offset = from; offset < end; ++offset) {
    auto record = log.At(offset);
    if (!record) continue;
    const std::uint64_t published = output.published_parts();
    WINNOW_ASSIGN_OR_RETURN(const auto result, output.Append(*record, offset));
    static_cast<void>(result);
    if (output.published_parts() == published) continue;
    WINNOW_ASSIGN_OR_RETURN(const bool took_out, output.TakeOut());
    static_cast<void>(took_out);
  }
  return {};
}

// Seals and takes out of all.
inline Status FinishAll(const TestLog& log, stream::PartitionOutput& output) {
  WINNOW_RETURN_IF_ERROR(output.Seal(log.end()));
  while (true) {
    WINNOW_ASSIGN_OR_RETURN(const bool took_out, output.TakeOut());
    if (!took_out) return {};
  }
}

// One life of a sink: opens, reads on from where it is told, seals at the end.
inline Status RunSinkLife(const TestLog& log, const PartitionShardOptions& options, Files& files) {
  WINNOW_ASSIGN_OR_RETURN(const auto output, NewPartitionShards(options, files));
  WINNOW_ASSIGN_OR_RETURN(const std::int64_t from, output->Open());
  WINNOW_RETURN_IF_ERROR(Feed(log, from, log.end(), *output));
  return FinishAll(log, *output);
}

// Every record once and none that was replaced, ranges whole, shards as their manifests say,
// nothing staged.
inline void ExpectWhole(const TestLog& log, const std::map<std::string, std::string>& contents,
                        const std::vector<Part>& parts) {
  EXPECT_THAT(CheckRanges(parts), ::testing::IsEmpty());
  EXPECT_THAT(CheckIds(parts), ::testing::IsEmpty());
  EXPECT_THAT(FindReplaced(parts), ::testing::IsEmpty());
  const std::set<std::string> replaced = log.Replaced();
  std::vector<std::string> ids;
  for (const Part& part : parts) {
    ids.insert(ids.end(), part.ids.begin(), part.ids.end());
    const auto shard = contents.find("out/shards/" + part.shard.name);
    ASSERT_NE(shard, contents.end()) << part.shard.name;
    EXPECT_EQ(shard->second.size(), part.shard.bytes);
    EXPECT_EQ(ToHex(Sha256(shard->second)), part.shard.sha256);
    for (const std::string& id : replaced) {
      EXPECT_EQ(shard->second.find(id + "."), std::string::npos);
    }
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
