// Fails, kills and cuts the power at every file call of a sink's life and of the life after, and
// lets a second writer of the same partition step in before every call of the first.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <functional>

#include "libs/dataset/stream_test_log.h"
#include "libs/testing/faulty_files.h"

namespace winnow::dataset {
namespace {

using winnow::testing::FaultyFiles;
using Fault = FaultyFiles::Fault;

const TestLog kLog(24);

struct Reference {
  std::map<std::string, std::string> files;
  std::uint64_t calls = 0;
};

const Reference& Undisturbed() {
  static const Reference reference = [] {
    FaultyFiles disk;
    const Status status = RunSinkLife(kLog, SmallParts(), disk);
    EXPECT_TRUE(status) << status.error().message;
    return Reference{disk.Contents("out/"), disk.calls()};
  }();
  return reference;
}

TEST(StreamCrashTest, TheUndisturbedRunIsWhole) {
  FaultyFiles disk;
  ASSERT_TRUE(RunSinkLife(kLog, SmallParts(), disk));
  ExpectWhole(kLog, disk.Contents("out/"), ReadParts("out", disk).value());
  EXPECT_GT(Undisturbed().calls, 60u);
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
      EXPECT_EQ(disk.Contents("out/"), Undisturbed().files);
    }
  }
}

TEST(StreamCrashTest, ASecondFaultDuringTheNextLifeLosesAndRepeatsNothing) {
  for (const Fault fault : {Fault::kKilled, Fault::kPowerCut, Fault::kTornCut}) {
    for (std::uint64_t first = 0; first < Undisturbed().calls; ++first) {
      for (std::uint64_t second = 0;; ++second) {
        SCOPED_TRACE(fmt::format("fault {} at {} and {}", static_cast<int>(fault), first, second));
        FaultyFiles disk;
        disk.FailAt(first, fault);
        const bool lucky = RunSinkLife(kLog, SmallParts("w1"), disk).has_value();
        disk.Restart();
        disk.FailAt(second, fault);
        const bool finished = RunSinkLife(kLog, SmallParts("w2"), disk).has_value();
        disk.Restart();
        const Status again = RunSinkLife(kLog, SmallParts("w3"), disk);
        ASSERT_TRUE(again) << again.error().message;
        ASSERT_EQ(disk.Contents("out/"), Undisturbed().files);
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
    for (; next_ < until; ++next_) {
      auto record = kLog.At(next_);
      if (!record) continue;
      WINNOW_ASSIGN_OR_RETURN(const auto result, output_->Append(*record, next_));
      static_cast<void>(result);
    }
    return {};
  }
  Status Finish() {
    WINNOW_RETURN_IF_ERROR(GoOn(kLog.end()));
    return output_->Seal(kLog.end());
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

}  // namespace
}  // namespace winnow::dataset
