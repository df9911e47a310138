// A partition's shards on a disk in memory, for the tests of stream_shards.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "libs/dataset/stream_shards.h"
#include "libs/dataset/stream_test_log.h"
#include "libs/testing/faulty_files.h"

namespace winnow::dataset {

class PartitionShardsTest : public ::testing::Test {
 protected:
  std::int64_t Start() {
    output_ = NewPartitionShards(options_, disk_).value();
    const auto from = output_->Open();
    EXPECT_TRUE(from) << from.error().message;
    return from.value_or(-1);
  }
  stream::AppendResult Append(int index, std::int64_t offset, const std::string& split = "train") {
    record_ = StoredRecord(index);
    record_.placement->split = split;
    const auto result = output_->Append(record_, offset);
    EXPECT_TRUE(result) << result.error().message;
    return result.value_or(stream::AppendResult::kPublished);
  }
  std::vector<Part> Parts() { return ReadParts("out", disk_).value(); }
  ErrorCode OpenError() {
    output_ = NewPartitionShards(options_, disk_).value();
    const auto from = output_->Open();
    return from ? ErrorCode::kBug : from.error().code;
  }

  winnow::testing::FaultyFiles disk_;
  PartitionShardOptions options_ = SmallParts();
  std::unique_ptr<stream::PartitionOutput> output_;
  record::ImageRecord record_;
};

}  // namespace winnow::dataset
