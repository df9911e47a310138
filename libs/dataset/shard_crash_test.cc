// Fails, kills and cuts the power at every single file call of a run that takes some of its samples
// out again, and of the run that recovers from it, and compares the shards byte for byte with those
// of an undisturbed run.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>

#include "libs/dataset/dataset_test_records.h"
#include "libs/dataset/shard_output.h"
#include "libs/dataset/tar.h"
#include "libs/testing/faulty_files.h"
#include "libs/testing/stage_driver.h"

namespace winnow::dataset {
namespace {

using ::testing::HasSubstr;
using winnow::testing::FaultyFiles;
using winnow::testing::MapState;
using Fault = FaultyFiles::Fault;

constexpr int kRecords = 13;
constexpr int kPerCommit = 3;
constexpr Fault kAllFaults[] = {Fault::kDiskFull, Fault::kKilled, Fault::kPowerCut,
                                Fault::kTornCut};

// Which record takes the place of which: a chain, in a shard that is open and in one that is
// published, one of another split, and all that is in a shard.
const std::multimap<int, int> kReplaces = {{2, 1}, {4, 2}, {6, 0}, {8, 5}, {8, 6},
                                           {9, 8}, {11, 3}, {12, 9}, {12, 10}};

// A pipeline's durable side: the disk, the committed state, how many records that covers and where
// they went.
struct Machine {
  FaultyFiles disk;
  MapState state;
  std::map<int, record::ImageRecord> stored;
  int committed = 0;
  bool sealed = false;
};

ShardOptions SmallShards() {
  ShardOptions options;
  options.directory = "out";
  options.collection = CollectionId("street");
  options.max_images = 4;
  return options;
}

Status AppendBatch(stream::Output& output, int from, int to,
                   std::map<int, record::ImageRecord>& stored) {
  for (int i = from; i < to; ++i) {
    record::ImageRecord record = StoredRecord(i);
    WINNOW_RETURN_IF_ERROR(output.Append(record));
    stored[i] = std::move(record);
    const auto [begin, end] = kReplaces.equal_range(i);
    for (auto replaced = begin; replaced != end; ++replaced) {
      WINNOW_RETURN_IF_ERROR(output.Remove(stored.at(replaced->second)));
    }
  }
  return {};
}

// One process: recovers and goes on from the last commit until the end or the first Error.
Status RunProcess(Machine& machine) {
  WINNOW_ASSIGN_OR_RETURN(auto output, NewShardOutput(SmallShards(), machine.disk));
  WINNOW_RETURN_IF_ERROR(output->Recover(machine.state));
  while (!machine.sealed) {
    const int to = std::min(machine.committed + kPerCommit, kRecords);
    auto stored = machine.stored;
    WINNOW_RETURN_IF_ERROR(AppendBatch(*output, machine.committed, to, stored));
    if (to == kRecords) WINNOW_RETURN_IF_ERROR(output->Seal());
    WINNOW_ASSIGN_OR_RETURN(const auto writes, output->Prepare());
    machine.state.Apply(writes);
    machine.stored = std::move(stored);
    machine.committed = to;
    machine.sealed = to == kRecords;
    WINNOW_RETURN_IF_ERROR(output->Publish());
  }
  while (true) {
    WINNOW_ASSIGN_OR_RETURN(const bool took_out, output->TakeOut());
    if (!took_out) return {};
    WINNOW_ASSIGN_OR_RETURN(const auto writes, output->Prepare());
    machine.state.Apply(writes);
    WINNOW_RETURN_IF_ERROR(output->Publish());
  }
}

struct Reference {
  std::map<std::string, std::string> files;
  std::map<std::string, std::string, std::less<>> state;
  std::uint64_t calls = 0;
};

const Reference& Undisturbed() {
  static const Reference reference = [] {
    Machine machine;
    const Status status = RunProcess(machine);
    EXPECT_TRUE(status) << status.error().message;
    return Reference{machine.disk.Contents("out/"), machine.state.entries, machine.disk.calls()};
  }();
  return reference;
}

void ExpectAsUndisturbed(const Machine& machine) {
  EXPECT_EQ(machine.disk.Contents("out/"), Undisturbed().files);
  EXPECT_EQ(machine.state.entries, Undisturbed().state);
}

TEST(ShardCrashTest, TheUndisturbedRunMakesTheShardsTheOthersAreComparedWith) {
  std::vector<std::string> names;
  for (const auto& [name, contents] : Undisturbed().files) names.push_back(name);
  EXPECT_THAT(names, ::testing::ElementsAre("out/shards/street-train-000000.tar",
                                            "out/shards/street-train-000001.tar",
                                            "out/shards/street-train-000002.tar",
                                            "out/shards/street-val-000000.tar"));
  EXPECT_GT(Undisturbed().calls, 40u);
}

TEST(ShardCrashTest, TheUndisturbedRunHasNothingOfWhatWasReplaced) {
  std::set<std::string> gone;
  for (const auto& [by, replaced] : kReplaces) gone.insert(StoredRecord(replaced).id.value());
  std::string all;
  for (const auto& [name, contents] : Undisturbed().files) all += contents;
  for (int i = 0; i < kRecords; ++i) {
    const std::string id = StoredRecord(i).id.value();
    EXPECT_EQ(all.find(id + ".jpg") == std::string::npos, gone.count(id) > 0) << i;
  }
  EXPECT_EQ(Undisturbed().files.at("out/shards/street-train-000001.tar"), TarTrailer())
      << "a shard of which nothing is left keeps its number";
  for (const auto& [key, value] : Undisturbed().state) EXPECT_NE(key.substr(0, 8), "removed/");
}

TEST(ShardCrashTest, AFaultAtAnyCallLosesAndRepeatsNothing) {
  for (const Fault fault : kAllFaults) {
    for (std::uint64_t call = 0; call < Undisturbed().calls; ++call) {
      SCOPED_TRACE(fmt::format("fault {} at call {}", static_cast<int>(fault), call));
      Machine machine;
      machine.disk.FailAt(call, fault);
      ASSERT_FALSE(RunProcess(machine));
      machine.disk.Restart();
      const Status again = RunProcess(machine);
      ASSERT_TRUE(again) << again.error().message;
      ExpectAsUndisturbed(machine);
    }
  }
}

TEST(ShardCrashTest, ASecondFaultDuringRecoveryLosesAndRepeatsNothing) {
  for (const Fault fault : {Fault::kKilled, Fault::kPowerCut, Fault::kTornCut}) {
    for (std::uint64_t first = 0; first < Undisturbed().calls; ++first) {
      for (std::uint64_t second = 0;; ++second) {
        SCOPED_TRACE(fmt::format("fault {} at calls {} and {}", static_cast<int>(fault), first,
                                 second));
        Machine machine;
        machine.disk.FailAt(first, fault);
        ASSERT_FALSE(RunProcess(machine));
        machine.disk.Restart();
        machine.disk.FailAt(second, fault);
        const bool finished = RunProcess(machine).has_value();
        machine.disk.Restart();
        const Status again = RunProcess(machine);
        ASSERT_TRUE(again) << again.error().message;
        ExpectAsUndisturbed(machine);
        if (finished) break;
      }
    }
  }
}

// The commit itself can fail after Prepare: then nothing of it may be seen.
TEST(ShardCrashTest, APreparedButUncommittedBatchIsTakenBack) {
  for (int commits_before = 0; commits_before < 5; ++commits_before) {
    Machine machine;
    {
      auto output = NewShardOutput(SmallShards(), machine.disk).value();
      ASSERT_TRUE(output->Recover(machine.state));
      for (int i = 0; i < commits_before; ++i) {
        const int to = std::min(machine.committed + kPerCommit, kRecords);
        ASSERT_TRUE(AppendBatch(*output, machine.committed, to, machine.stored));
        machine.state.Apply(output->Prepare().value());
        ASSERT_TRUE(output->Publish());
        machine.committed = to;
      }
      auto stored = machine.stored;
      ASSERT_TRUE(AppendBatch(*output, machine.committed, kRecords, stored));
      ASSERT_TRUE(output->Seal());
      ASSERT_TRUE(output->Prepare());
    }
    ASSERT_TRUE(RunProcess(machine));
    ExpectAsUndisturbed(machine);
  }
}

TEST(ShardCrashTest, AFullDiskIsReportedWithThePathAndWhatToDo) {
  for (std::uint64_t call = 0; call < Undisturbed().calls; ++call) {
    Machine machine;
    machine.disk.FailAt(call, Fault::kDiskFull);
    const Status status = RunProcess(machine);
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code, ErrorCode::kUnavailable);
    EXPECT_THAT(status.error().message, HasSubstr("out/"));
    EXPECT_THAT(status.error().message, HasSubstr("free space and run the same command again"));
  }
}

TEST(ShardCrashTest, AfterAnErrorTheOutputRefusesToGoOnUntilItRecovers) {
  Machine machine;
  auto output = NewShardOutput(SmallShards(), machine.disk).value();
  ASSERT_TRUE(output->Recover(machine.state));
  ASSERT_TRUE(AppendBatch(*output, 0, 3, machine.stored));
  machine.disk.FailAt(machine.disk.calls(), Fault::kDiskFull);
  ASSERT_FALSE(output->Prepare());
  EXPECT_FALSE(output->Prepare());
  EXPECT_FALSE(AppendBatch(*output, 3, 4, machine.stored));
  EXPECT_FALSE(output->Remove(machine.stored.at(0)));
  EXPECT_FALSE(output->TakeOut());
  EXPECT_FALSE(output->Publish());
  EXPECT_FALSE(output->Seal());
  ASSERT_TRUE(output->Recover(machine.state));
  EXPECT_TRUE(AppendBatch(*output, 0, 3, machine.stored));
}

}  // namespace
}  // namespace winnow::dataset
