#include "libs/local/local_runner.h"

#include <gtest/gtest.h>

#include <set>
#include <sstream>

#include "libs/local/ledger.h"

// The runner with toy stages: what it promises must hold for any processor. The real stages are
// driven in tests/pipeline.
namespace winnow::local {
namespace {

using record::Disposition;
using record::ImageRecord;
using record::Reason;

struct Crash {};

class CountingSource : public stream::Source {
 public:
  explicit CountingSource(std::uint64_t count) : count_(count) {}

  Result<std::optional<stream::SourceEntry>> Next() override {
    if (next_ == count_) return std::optional<stream::SourceEntry>();
    stream::SourceEntry entry;
    entry.name = "image-" + std::to_string(next_++);
    entry.version = version;
    entry.bytes = 100;
    return std::optional<stream::SourceEntry>(std::move(entry));
  }

  Result<ImageRecord> Load(const stream::SourceEntry& entry) const override {
    if (entry.name == broken) return UnavailableError("disk on fire");
    ImageRecord record;
    record.id = RecordId("id-" + entry.name.substr(6));
    record.source.path = entry.name;
    record.payload = record::RawPayload{{SharedBytes(entry.name), "", {}}};
    return record;
  }

  std::string version = "v1";
  std::string broken;

 private:
  const std::uint64_t count_;
  std::uint64_t next_ = 0;
};

record::StageVerdict Verdict(std::string_view stage, Disposition disposition,
                             Reason reason = Reason::kNone) {
  record::StageVerdict verdict;
  verdict.stage = stage;
  verdict.disposition = disposition;
  verdict.reason = reason;
  return verdict;
}

std::uint64_t NumberOf(const ImageRecord& record) { return std::stoull(record.id.value().substr(3)); }
RecordId IdOf(std::uint64_t number) { return RecordId("id-" + std::to_string(number)); }

// Lane stage: refuses every seventh, cannot read every eleventh.
class Filter : public stream::Processor {
 public:
  std::string_view name() const override { return "filter"; }
  stream::OrderingScope scope() const override { return stream::OrderingScope::kNone; }
  Result<stream::Outcome> Process(ImageRecord record, const stream::StateView&,
                                  Timestamp) override {
    const std::uint64_t number = NumberOf(record);
    if (number % 11 == 10) return InputError("cannot read");
    if (number % 7 == 6) {
      return stream::Conclude(std::move(record),
                              Verdict("filter", Disposition::kRejected, Reason::kBlurry));
    }
    return stream::Conclude(std::move(record), Verdict("filter", Disposition::kForwarded));
  }
};

// Ordered stage: holds every odd record until the next even one sets it free, after it. What is
// held lives in state only, so that a crash must not lose it.
class Holder : public stream::Processor {
 public:
  std::string_view name() const override { return "holder"; }
  stream::OrderingScope scope() const override { return stream::OrderingScope::kCollection; }
  Result<stream::Outcome> Process(ImageRecord record, const stream::StateView& state,
                                  Timestamp) override {
    if (NumberOf(record) % 2 == 1) {
      const std::string id = record.id.value();
      auto outcome = stream::Conclude(
          std::move(record), Verdict("holder", Disposition::kDeferred, Reason::kOverTargetShare));
      outcome.writes = {{"held/" + id, id}};
      return outcome;
    }
    auto outcome =
        stream::Conclude(std::move(record), Verdict("holder", Disposition::kForwarded));
    WINNOW_RETURN_IF_ERROR(state.Scan("held/", [&](std::string_view key, std::string_view id) {
      stream::Settlement settled;
      settled.record.id = RecordId(std::string(id));
      settled.record.history = {
          Verdict("holder", Disposition::kDeferred, Reason::kOverTargetShare),
          Verdict("holder", Disposition::kForwarded)};
      outcome.settled.push_back(std::move(settled));
      outcome.writes.push_back({std::string(key), std::nullopt});
      return true;
    }));
    return outcome;
  }
};

// Ordered stage: finds that every fifth record is a better copy of one before, every tenth of such a
// better copy, and that some take the place of what never came this far.
class Improver : public stream::Processor {
 public:
  std::string_view name() const override { return "improver"; }
  stream::OrderingScope scope() const override { return stream::OrderingScope::kCollection; }
  Result<stream::Outcome> Process(ImageRecord record, const stream::StateView&,
                                  Timestamp) override {
    record.duplicate = record::Duplicate{};
    record.duplicate->replaces = Replaced(NumberOf(record));
    return stream::Conclude(std::move(record), Verdict("improver", Disposition::kForwarded));
  }
  static std::vector<RecordId> Replaced(std::uint64_t number) {
    if (number % 5 != 4) return {};
    if (number % 10 == 9) return {IdOf(number - 5)};
    return {IdOf(number - 2), IdOf(number - 4), RecordId("id-never-seen")};
  }
};

class Keeper : public stream::Processor {
 public:
  std::string_view name() const override { return "keeper"; }
  stream::OrderingScope scope() const override { return stream::OrderingScope::kCollection; }
  Result<stream::Outcome> Process(ImageRecord record, const stream::StateView&,
                                  Timestamp) override {
    return stream::Conclude(std::move(record), Verdict("keeper", Disposition::kStored));
  }
};

// A file in memory: staged text is cut back to the committed length, as a real output does. What was
// taken out stays in it and is left out when it is published.
struct Disk {
  std::string staged;
  std::string published;
};

class TextOutput : public stream::Output {
 public:
  explicit TextOutput(Disk& disk) : disk_(disk) {}
  Status Recover(const stream::StateView& state) override {
    WINNOW_ASSIGN_OR_RETURN(const auto length, state.Get("length"));
    WINNOW_ASSIGN_OR_RETURN(const auto sealed, state.Get("sealed"));
    disk_.staged.resize(length ? std::stoull(*length) : 0);
    sealed_ = sealed.has_value();
    for (std::set<std::string>* ids : {&asked_, &gone_}) {
      const std::string prefix = ids == &asked_ ? "asked/" : "gone/";
      WINNOW_RETURN_IF_ERROR(state.Scan(prefix, [&](std::string_view key, std::string_view) {
        ids->emplace(key.substr(prefix.size()));
        return true;
      }));
    }
    return Publish();
  }
  Status Append(ImageRecord& record) override {
    if (disk_.staged.size() > fail_above) return UnavailableError("disk full");
    disk_.staged += record.id.value() + "\n";
    record.placement = record::Placement{"all", "file", record.id.value(), ""};
    return {};
  }
  Status Remove(const ImageRecord& record) override {
    asked_.insert(record.placement->key);
    return {};
  }
  Result<bool> TakeOut() override {
    if (asked_.empty()) return false;
    gone_.insert(asked_.extract(asked_.begin()));
    return true;
  }
  Status Seal() override {
    sealed_ = true;
    return {};
  }
  Result<std::vector<stream::StateWrite>> Prepare() override {
    std::vector<stream::StateWrite> writes = {{"length", std::to_string(disk_.staged.size())}};
    if (sealed_) writes.push_back({"sealed", "1"});
    for (const std::string& id : asked_) writes.push_back({"asked/" + id, ""});
    for (const std::string& id : gone_) {
      writes.push_back({"asked/" + id, std::nullopt});
      writes.push_back({"gone/" + id, ""});
    }
    return writes;
  }
  Status Publish() override {
    if (!sealed_) return {};
    disk_.published.clear();
    std::istringstream lines(disk_.staged);
    for (std::string id; std::getline(lines, id);) {
      if (gone_.count(id) == 0) disk_.published += id + "\n";
    }
    return {};
  }

  std::size_t fail_above = SIZE_MAX;

 private:
  Disk& disk_;
  bool sealed_ = false;
  std::set<std::string> asked_;
  std::set<std::string> gone_;
};

template <class T>
stream::ProcessorFactory Make() {
  return [] { return Result<std::unique_ptr<stream::Processor>>(std::make_unique<T>()); };
}

class LocalRunnerTest : public testing::Test {
 protected:
  static constexpr std::uint64_t kCount = 200;

  Result<RunResult> Run(RunOptions options = {}, std::size_t fail_above = SIZE_MAX) {
    CountingSource source(kCount);
    source.version = version_;
    source.broken = broken_;
    TextOutput output(disk_);
    output.fail_above = fail_above;
    options.commit_records = 16;
    return RunLocally({&source, stages_, &output, store_.get()}, options);
  }

  // Without the state and the output of the runs before.
  void StartOver() {
    store_ = state::NewMemoryStore();
    disk_ = {};
  }

  std::vector<std::string> StageNames() const {
    std::vector<std::string> names;
    for (const StagePlan& stage : stages_) names.push_back(stage.name);
    return names;
  }

  std::vector<ImageRecord> Records() const {
    std::vector<ImageRecord> records;
    const auto view = state::ViewOf(*store_, std::string(kLedgerFamily));
    EXPECT_TRUE(Ledger(*view).ForEach([&](const ImageRecord& record) {
      records.push_back(record);
      return true;
    }));
    return records;
  }

  std::vector<StagePlan> stages_ = {{"filter", Make<Filter>()},
                                    {"holder", Make<Holder>()},
                                    {"improver", Make<Improver>()},
                                    {"keeper", Make<Keeper>()}};
  std::unique_ptr<state::StateStore> store_ = state::NewMemoryStore();
  Disk disk_;
  std::string version_ = "v1";
  std::string broken_;
};

TEST_F(LocalRunnerTest, GivesEveryRecordExactlyOneOutcome) {
  const auto result = Run();
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->totals.Received(), kCount);
  EXPECT_TRUE(result->totals.Conserved(StageNames()));
  EXPECT_EQ(result->totals.EndedByReason(Disposition::kRejected).at(Reason::kCorrupt), 18u)
      << "an unreadable record is a refusal, not the end of the run";

  std::set<std::string> ids;
  const auto view = state::ViewOf(*store_, std::string(kLedgerFamily));
  ASSERT_TRUE(Ledger(*view).ForEach([&](const ImageRecord& record) {
    EXPECT_FALSE(record.history.empty());
    return ids.insert(record.id.value()).second;
  }));
  EXPECT_EQ(ids.size(), kCount);
}

TEST_F(LocalRunnerTest, WritesTheSameOutputWhateverTheLaneCount) {
  ASSERT_TRUE(Run({.lanes = 1}));
  const std::string expected = disk_.published;
  ASSERT_FALSE(expected.empty());
  for (const std::size_t lanes : {2u, 3u, 8u}) {
    StartOver();
    ASSERT_TRUE(Run({.lanes = lanes}));
    EXPECT_EQ(disk_.published, expected) << lanes << " lanes";
  }
}

TEST_F(LocalRunnerTest, ResumesAfterACrashAtEveryCommitPointAsIfUndisturbed) {
  const auto undisturbed = Run();
  ASSERT_TRUE(undisturbed);
  const std::string expected = disk_.published;
  for (int crash_at = 0;; ++crash_at) {
    StartOver();
    int points = 0;
    RunOptions options{.lanes = 3};
    options.at_commit_point = [&](CommitPoint) {
      if (points++ == crash_at) throw Crash();
    };
    bool crashed = false;
    try {
      ASSERT_TRUE(Run(options));
    } catch (const Crash&) {
      crashed = true;
    }
    if (!crashed) {
      EXPECT_GT(crash_at, 40) << "too few points were tried to mean anything";
      break;
    }
    const auto resumed = Run({.lanes = 2});
    ASSERT_TRUE(resumed) << resumed.error().message;
    EXPECT_EQ(disk_.published, expected) << "crash at point " << crash_at;
    EXPECT_EQ(resumed->totals, undisturbed->totals) << "crash at point " << crash_at;
  }
}

TEST_F(LocalRunnerTest, TakesOutWhatABetterCopyReplaces) {
  RunOptions options;
  std::uint64_t most_superseded = 0;
  options.on_progress = [&](const Totals& totals) {
    ASSERT_TRUE(totals.Conserved(StageNames())) << totals.Encode();
    const auto rejected = totals.EndedByReason(Disposition::kRejected);
    const auto superseded = rejected.find(Reason::kSuperseded);
    if (superseded != rejected.end()) most_superseded = superseded->second;
  };
  const auto result = Run(options);
  ASSERT_TRUE(result) << result.error().message;

  std::set<std::string> replaced;
  for (const ImageRecord& record : Records()) {
    if (!record.duplicate) continue;  // never came so far
    for (const RecordId& id : record.duplicate->replaces) replaced.insert(id.value());
  }
  std::string expected;
  std::istringstream appended(disk_.staged);
  for (std::string id; std::getline(appended, id);) {
    if (replaced.count(id) == 0) expected += id + "\n";
  }
  EXPECT_EQ(disk_.published, expected);

  std::uint64_t superseded = 0;
  for (const ImageRecord& record : Records()) {
    const bool stored = disk_.staged.find(record.id.value() + "\n") != std::string::npos;
    if (!stored || replaced.count(record.id.value()) == 0) continue;
    ++superseded;
    const record::StageVerdict& last = record.history.back();
    EXPECT_EQ(last.disposition, Disposition::kRejected);
    EXPECT_EQ(last.reason, Reason::kSuperseded);
    EXPECT_EQ(last.stage, "keeper");
    EXPECT_EQ(record.history[record.history.size() - 2].disposition, Disposition::kStored);
    EXPECT_FALSE(record.placement) << "it is in the output no more";
  }
  EXPECT_GT(superseded, 30u);
  EXPECT_EQ(most_superseded, superseded);
}

TEST_F(LocalRunnerTest, GoesOnTakingOutWhereItWasStopped) {
  ASSERT_TRUE(Run());
  const std::string expected = disk_.published;
  StartOver();
  std::atomic<bool> stop = false;
  RunOptions options{.lanes = 2, .stop = &stop};
  int after_seal = 0;
  options.at_commit_point = [&](CommitPoint point) {
    if (point == CommitPoint::kAfterPublish && !disk_.published.empty() && ++after_seal == 3) {
      stop = true;
    }
  };
  const auto stopped = Run(options);
  ASSERT_TRUE(stopped);
  EXPECT_TRUE(stopped->stopped);
  EXPECT_NE(disk_.published, expected);
  const auto resumed = Run();
  ASSERT_TRUE(resumed);
  EXPECT_FALSE(resumed->stopped);
  EXPECT_EQ(disk_.published, expected);
}

TEST_F(LocalRunnerTest, DoesNothingTheSecondTime) {
  ASSERT_TRUE(Run());
  const std::string expected = disk_.published;
  const auto again = Run();
  ASSERT_TRUE(again);
  EXPECT_EQ(again->processed, 0u);
  EXPECT_EQ(again->already_done, kCount);
  EXPECT_EQ(again->totals.Received(), kCount);
  EXPECT_EQ(disk_.published, expected);
}

TEST_F(LocalRunnerTest, KnowsTheSameImageUnderANewFileVersion) {
  ASSERT_TRUE(Run());
  const std::string expected = disk_.published;
  version_ = "touched";
  const auto again = Run();
  ASSERT_TRUE(again);
  EXPECT_EQ(again->totals.Received(), kCount);
  EXPECT_EQ(disk_.published, expected);
  EXPECT_EQ(Run()->already_done, kCount);
}

TEST_F(LocalRunnerTest, StopsPromptlyAndResumes) {
  ASSERT_TRUE(Run());
  const std::string expected = disk_.published;
  StartOver();
  std::atomic<bool> stop = false;
  RunOptions options{.lanes = 2, .stop = &stop};
  options.on_progress = [&](const Totals& totals) { stop = totals.Received() >= 50; };
  const auto stopped = Run(options);
  ASSERT_TRUE(stopped);
  EXPECT_TRUE(stopped->stopped);
  EXPECT_LT(stopped->totals.Received(), kCount);
  EXPECT_EQ(disk_.published, "") << "an unfinished dataset is not sealed";

  ASSERT_TRUE(Run());
  EXPECT_EQ(disk_.published, expected);
}

TEST_F(LocalRunnerTest, LosesNothingWhenTheDiskFills) {
  ASSERT_TRUE(Run());
  const std::string expected = disk_.published;
  StartOver();
  const auto failed = Run({.lanes = 2}, 400);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, ErrorCode::kUnavailable);
  ASSERT_TRUE(Run());
  EXPECT_EQ(disk_.published, expected);
}

TEST_F(LocalRunnerTest, KeepsWhatCameBeforeASourceFailure) {
  broken_ = "image-120";
  const auto failed = Run({.lanes = 3});
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().message, "disk on fire");
  const auto view = state::ViewOf(*store_, std::string(kLedgerFamily));
  EXPECT_EQ(Ledger(*view).ReadTotals()->Received(), 120u);
}

TEST_F(LocalRunnerTest, BoundsBytesInFlight) {
  const auto result = Run({.lanes = 4, .max_bytes_in_flight = 350});
  ASSERT_TRUE(result);
  EXPECT_LE(result->peak_bytes_in_flight, 350u);
  EXPECT_GT(result->peak_bytes_in_flight, 0u);
}

TEST_F(LocalRunnerTest, JudgesAResumedRunAtTheTimeOfTheFirst) {
  const Timestamp first{std::chrono::hours(1)};
  ASSERT_TRUE(Run({.now = first}));
  ASSERT_TRUE(Run({.now = Timestamp(std::chrono::hours(500))}));
  const auto view = state::ViewOf(*store_, std::string(kLedgerFamily));
  EXPECT_EQ(Ledger(*view).Start()->value(), first);
  EXPECT_EQ(Ledger(*view).FindByName("image-0")->value().ingested_at, first);
}

// Settles what it has let pass.
class Revoker : public stream::Processor {
 public:
  std::string_view name() const override { return "holder"; }
  stream::OrderingScope scope() const override { return stream::OrderingScope::kCollection; }
  Result<stream::Outcome> Process(ImageRecord record, const stream::StateView&,
                                  Timestamp) override {
    const std::uint64_t number = NumberOf(record);
    auto outcome =
        stream::Conclude(std::move(record), Verdict("holder", Disposition::kForwarded));
    if (number == 0) return outcome;
    stream::Settlement settled;
    settled.record.id = IdOf(number - 1);
    settled.disposition = Disposition::kRejected;
    settled.reason = Reason::kSuperseded;
    outcome.settled.push_back(std::move(settled));
    return outcome;
  }
};

TEST_F(LocalRunnerTest, RefusesToSettleWhatWasNotDeferred) {
  stages_[1] = {"holder", Make<Revoker>()};
  const auto result = Run();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kBug);
}

TEST_F(LocalRunnerTest, RefusesALaneStageBehindAnOrderedOne) {
  std::swap(stages_[0], stages_[1]);
  const auto result = Run();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kBug);
}

}  // namespace
}  // namespace winnow::local
