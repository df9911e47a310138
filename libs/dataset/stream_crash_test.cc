// Fails, kills and cuts the power at every file call of a sink's life and of the life after, and
// lets a second writer of the same partition step in before every call of the first. Records take
// the place of others all the time.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <functional>

#include "libs/dataset/stream_test_log.h"
#include "libs/testing/faulty_files.h"

namespace winnow::dataset {
namespace {

using winnow::testing::FaultyFiles;
using Fault = FaultyFiles::Fault;

// Within a part, as a chain and across parts; one of another split; one that comes later; all of a
// part; one nobody knows.
const TestLog kLog(24, {{2, 1}, {5, 21}, {6, 5}, {10, 6}, {12, 10}, {15, 7}, {17, 11}, {17, 99},
                        {20, 0}, {20, 12}, {20, 16}, {22, 20}});

// With one of each: dropped before it was seen, taken out, the rest taken out.
const TestLog kShortLog(13, {{2, 1}, {6, 5}, {12, 0}, {12, 2}});

struct Reference {
  std::map<std::string, std::string> shards;
  std::uint64_t calls = 0;
};

Reference RunUndisturbed(const TestLog& log) {
  FaultyFiles disk;
  const Status status = RunSinkLife(log, SmallParts(), disk);
  EXPECT_TRUE(status) << status.error().message;
  return {disk.Contents("out/shards/"), disk.calls()};
}

const Reference& Undisturbed() {
  static const Reference reference = RunUndisturbed(kLog);
  return reference;
}

// What the log leaves is the same whatever happened, byte for byte. In how many goes replaced
// records were taken out is not.
void ExpectAsUndisturbed(FaultyFiles& disk) {
  EXPECT_TRUE(disk.Contents("out/shards/") == Undisturbed().shards);
  ExpectWhole(kLog, disk.Contents("out/"), ReadParts("out", disk).value());
}

TEST(StreamCrashTest, TheUndisturbedRunIsWhole) {
  FaultyFiles disk;
  ASSERT_TRUE(RunSinkLife(kLog, SmallParts(), disk));
  const std::vector<Part> parts = ReadParts("out", disk).value();
  ExpectWhole(kLog, disk.Contents("out/"), parts);
  EXPECT_GT(Undisturbed().calls, 130u);
  int most_generations = 0;
  std::uint64_t fewest_samples = 1;
  for (const Part& part : parts) {
    most_generations = std::max(most_generations, part.generation);
    fewest_samples = std::min(fewest_samples, part.shard.samples);
  }
  EXPECT_GT(most_generations, 1);
  EXPECT_EQ(fewest_samples, 0u);
}

TEST(StreamCrashTest, AFaultAtAnyCallLosesAndRepeatsNothing) {
  for (const Fault fault : {Fault::kDiskFull, Fault::kKilled, Fault::kPowerCut, Fault::kTornCut}) {
    for (std::uint64_t call = 0; call < Undisturbed().calls; ++call) {
      SCOPED_TRACE(fmt::format("fault {} at call {}", static_cast<int>(fault), call));
      FaultyFiles disk;
      disk.FailAt(call, fault);
      const Status failed = RunSinkLife(kLog, SmallParts("w1"), disk);
      EXPECT_TRUE(failed || failed.error().code == ErrorCode::kUnavailable);
      disk.Restart();
      const Status again = RunSinkLife(kLog, SmallParts("w2"), disk);
      ASSERT_TRUE(again) << again.error().message;
      ExpectAsUndisturbed(disk);
    }
  }
}

TEST(StreamCrashTest, ASecondFaultDuringTheNextLifeLosesAndRepeatsNothing) {
  const Reference undisturbed = RunUndisturbed(kShortLog);
  // After a kill everything is there but not all of it on the disk: the next life can lose it.
  const std::vector<std::pair<Fault, Fault>> pairs = {{Fault::kKilled, Fault::kKilled},
                                                      {Fault::kKilled, Fault::kPowerCut},
                                                      {Fault::kPowerCut, Fault::kPowerCut},
                                                      {Fault::kTornCut, Fault::kTornCut}};
  for (const auto& [fault, next] : pairs) {
    for (std::uint64_t first = 0; first < undisturbed.calls; ++first) {
      for (std::uint64_t second = 0;; ++second) {
        SCOPED_TRACE(fmt::format("fault {} at {}, {} at {}", static_cast<int>(fault), first,
                                 static_cast<int>(next), second));
        FaultyFiles disk;
        disk.FailAt(first, fault);
        const bool lucky = RunSinkLife(kShortLog, SmallParts("w1"), disk).has_value();
        disk.Restart();
        disk.FailAt(second, next);
        const bool finished = RunSinkLife(kShortLog, SmallParts("w2"), disk).has_value();
        disk.Restart();
        const Status again = RunSinkLife(kShortLog, SmallParts("w3"), disk);
        ASSERT_TRUE(again) << again.error().message;
        ASSERT_TRUE(disk.Contents("out/shards/") == undisturbed.shards);
        if (finished || lucky) break;
      }
    }
  }
}

// A disk shared by two writers: before the first one's call `at` the other one acts.
class SharedDisk : public Files {
 public:
  explicit SharedDisk(FaultyFiles& disk) : disk_(disk) {}

  void InterruptAt(std::uint64_t call, std::function<void()> other) {
    at_ = call;
    other_ = std::move(other);
  }
  std::uint64_t calls() const { return calls_; }

  Result<std::unique_ptr<AppendFile>> OpenAppend(const std::string& path) override {
    Step();
    WINNOW_ASSIGN_OR_RETURN(auto file, disk_.OpenAppend(path));
    return std::make_unique<Handle>(*this, std::move(file));
  }
  Status Truncate(const std::string& path, std::uint64_t length) override {
    Step();
    return disk_.Truncate(path, length);
  }
  Result<RenameOutcome> RenameNoReplace(const std::string& from, const std::string& to) override {
    Step();
    return disk_.RenameNoReplace(from, to);
  }
  Status Replace(const std::string& from, const std::string& to) override {
    Step();
    return disk_.Replace(from, to);
  }
  Status Remove(const std::string& path) override {
    Step();
    return disk_.Remove(path);
  }
  Status SyncDirectory(const std::string& path) override {
    Step();
    return disk_.SyncDirectory(path);
  }
  Status MakeDirectories(const std::string& path) override {
    Step();
    return disk_.MakeDirectories(path);
  }
  Result<std::optional<std::uint64_t>> Size(const std::string& path) override {
    Step();
    return disk_.Size(path);
  }
  Result<std::vector<std::string>> List(const std::string& path) override {
    Step();
    return disk_.List(path);
  }
  Status Read(const std::string& path, std::uint64_t length,
              const std::function<void(std::string_view)>& visit) override {
    Step();
    return disk_.Read(path, length, visit);
  }

 private:
  class Handle : public AppendFile {
   public:
    Handle(SharedDisk& shared, std::unique_ptr<AppendFile> file)
        : shared_(shared), file_(std::move(file)) {}
    Status Append(std::string_view bytes) override {
      shared_.Step();
      return file_->Append(bytes);
    }
    Status Sync() override {
      shared_.Step();
      return file_->Sync();
    }

   private:
    SharedDisk& shared_;
    std::unique_ptr<AppendFile> file_;
  };

  void Step() {
    if (calls_++ == at_) other_();
  }

  FaultyFiles& disk_;
  std::uint64_t calls_ = 0;
  std::uint64_t at_ = UINT64_MAX;
  std::function<void()> other_ = nullptr;
};

// What the second writer does: only opens, goes half the way, or all of it.
class Successor {
 public:
  Successor(FaultyFiles& disk, std::int64_t until)
      : output_(NewPartitionShards(SmallParts("successor"), disk).value()), until_(until) {}

  void StepIn() {
    const auto from = output_->Open();
    ASSERT_TRUE(from) << from.error().message;
    next_ = *from;
    ASSERT_TRUE(GoOn(until_));
  }
  Status GoOn(std::int64_t until) {
    const std::int64_t from = std::exchange(next_, std::max(next_, until));
    return Feed(kLog, from, until, *output_);
  }
  Status Finish() {
    WINNOW_RETURN_IF_ERROR(GoOn(kLog.end()));
    return FinishAll(kLog, *output_);
  }

 private:
  std::unique_ptr<stream::PartitionOutput> output_;
  std::int64_t until_;
  std::int64_t next_ = 0;
};

TEST(StreamCrashTest, OfTwoLiveWritersOfAPartitionOneOnlyPublishesEachRange) {
  int zombies_refused = 0;
  for (const std::int64_t until : {std::int64_t{0}, std::int64_t{13}, kLog.end()}) {
    for (std::uint64_t call = 0; call < Undisturbed().calls; ++call) {
      SCOPED_TRACE(fmt::format("steps in at call {}, goes to {}", call, until));
      FaultyFiles disk;
      SharedDisk zombie_view(disk);
      Successor successor(disk, until);
      zombie_view.InterruptAt(call, [&] { successor.StepIn(); });
      const Status zombie = RunSinkLife(kLog, SmallParts("zombie"), zombie_view);
      EXPECT_TRUE(zombie || zombie.error().code == ErrorCode::kUnavailable);
      zombies_refused += zombie ? 0 : 1;
      const Status finished = successor.Finish();
      EXPECT_TRUE(finished || finished.error().code == ErrorCode::kUnavailable);
      const Status third = RunSinkLife(kLog, SmallParts("third"), disk);
      ASSERT_TRUE(third) << third.error().message;
      ExpectWhole(kLog, disk.Contents("out/"), ReadParts("out", disk).value());
    }
  }
  EXPECT_GT(zombies_refused, 50);
}

record::ImageRecord InPlaceOf(int replaced, int index) {
  record::ImageRecord record = StoredRecord(index);
  record.duplicate = record::Duplicate{};
  record.duplicate->replaces = {StoredRecord(replaced).id};
  return record;
}

Status AppendAndSeal(stream::PartitionOutput& output,
                     const std::vector<record::ImageRecord>& records, std::int64_t offset) {
  for (record::ImageRecord record : records) {
    WINNOW_ASSIGN_OR_RETURN(const auto result, output.Append(record, offset++));
    static_cast<void>(result);
  }
  return output.Seal(offset);
}

// Takes out record 1 as well.
Status TakeOutMore(FaultyFiles& disk) {
  WINNOW_ASSIGN_OR_RETURN(const auto output, NewPartitionShards(SmallParts("successor"), disk));
  WINNOW_ASSIGN_OR_RETURN(const std::int64_t from, output->Open());
  WINNOW_RETURN_IF_ERROR(AppendAndSeal(*output, {InPlaceOf(1, 5)}, from));
  WINNOW_ASSIGN_OR_RETURN(const bool took_out, output->TakeOut());
  return took_out ? Status() : Status(BugError("there was nothing to take out"));
}

// The one that is late knows less of what was replaced: record 0 only.
TEST(StreamCrashTest, AWriterThatIsLateBringsNothingBack) {
  const std::string shard = "out/shards/street-train-p003-000000000000.tar";
  int late = 0;
  bool stepped_in = true;
  for (std::uint64_t call = 0; stepped_in; ++call) {
    SCOPED_TRACE(fmt::format("steps in at call {}", call));
    FaultyFiles disk;
    SharedDisk zombie_view(disk);
    const auto zombie = NewPartitionShards(SmallParts("zombie"), zombie_view).value();
    ASSERT_TRUE(zombie->Open());
    ASSERT_TRUE(AppendAndSeal(*zombie, {StoredRecord(0), StoredRecord(1), StoredRecord(2)}, 0));
    ASSERT_TRUE(AppendAndSeal(*zombie, {InPlaceOf(0, 4)}, 3));
    stepped_in = false;
    Status successor;
    zombie_view.InterruptAt(zombie_view.calls() + call, [&] {
      stepped_in = true;
      successor = TakeOutMore(disk);
    });
    const auto took_out = zombie->TakeOut();
    EXPECT_TRUE(took_out || took_out.error().code == ErrorCode::kUnavailable);
    EXPECT_TRUE(successor || successor.error().code == ErrorCode::kUnavailable);
    if (!stepped_in) break;
    if (successor) {
      late += took_out ? 0 : 1;
      EXPECT_EQ(disk.Contents(shard).at(shard).find(StoredRecord(0).id.value()), std::string::npos);
      EXPECT_EQ(disk.Contents(shard).at(shard).find(StoredRecord(1).id.value()), std::string::npos);
    }
    const auto third = NewPartitionShards(SmallParts("third"), disk).value();
    const auto opened = third->Open();
    ASSERT_TRUE(opened) << opened.error().message;
    while (*third->TakeOut()) {
    }
    const std::vector<Part> parts = ReadParts("out", disk).value();
    EXPECT_TRUE(FindReplaced(parts).empty());
    EXPECT_EQ(parts[0].ids, std::vector<std::string>{StoredRecord(2).id.value()});
    EXPECT_EQ(ToHex(Sha256(disk.Contents(shard).at(shard))), parts[0].shard.sha256);
    EXPECT_TRUE(disk.Contents("out/.winnow/staging/").empty());
  }
  EXPECT_GT(late, 5);
}

}  // namespace
}  // namespace winnow::dataset
