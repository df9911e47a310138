// Better copies: what becomes of the images they replace, and of the counts.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

#include "services/balancer/balancer_testing.h"
#include "services/balancer/state_entries.h"

namespace winnow::balancer {
namespace {

using record::Disposition;
using record::ImageRecord;
using record::Reason;
using stream::Outcome;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Ids = std::vector<std::string>;
using Counts = std::map<std::string, std::uint64_t>;  // by "axis=value"; only what is above 0

ImageRecord Replacing(const Ids& replaced, ImageRecord image) {
  record::Duplicate& duplicate = image.duplicate.emplace();
  duplicate.cluster = RecordId("cluster");
  for (const std::string& id : replaced) duplicate.replaces.emplace_back(id);
  return image;
}

// Room for one "a" as long as there is no "b", and the other way round.
spec::CollectionSpec OneOfEach() {
  spec::CollectionSpec spec;
  spec.balance.axes = {{"class", {{"a", 0.5}, {"b", 0.5}}, 0}};
  spec.balance.warmup = 1;
  return spec;
}

// As a processor that opens now would read them.
Counts CountsIn(const testing::StageDriver& driver) {
  Counts counts;
  for (const auto& [key, value] : driver.state.entries) {
    if (key[0] != 'n') continue;
    const auto [axis, name] = DecodeCountKey(key).value();
    const std::uint64_t count = DecodeCount(value)->count;
    if (count > 0) counts[axis + "=" + name] = count;
  }
  return counts;
}

std::uint64_t AdmittedIn(const testing::StageDriver& driver) {
  const auto totals = driver.state.entries.find(kTotalsKey);
  return totals == driver.state.entries.end() ? 0 : DecodeTotals(totals->second)->admitted;
}

std::uint64_t HeldIn(const testing::StageDriver& driver) {
  return static_cast<std::uint64_t>(
      std::count_if(driver.state.entries.begin(), driver.state.entries.end(),
                    [](const auto& entry) { return entry.first[0] == 'p'; }));
}

TEST(BalancerReplacementTest, AdmitsTheBetterCopyInThePlaceOfTheAdmittedOne) {
  auto driver = Driver(OneOfEach());
  ASSERT_EQ(driver.Process(Image("old", "a"))->reason, Reason::kNone);
  ASSERT_EQ(driver.Process(Image("other", "a"))->reason, Reason::kOverTargetShare);
  const Outcome outcome = driver.Process(Replacing({"old"}, Image("new", "a"))).value();
  EXPECT_EQ(outcome.disposition, Disposition::kForwarded);
  EXPECT_THAT(outcome.record.selection->strata, ElementsAre("class=a"));
  EXPECT_THAT(outcome.record.selection->withdrawn, ElementsAre("class=a"));
  EXPECT_THAT(outcome.record.duplicate->replaces, ElementsAre(RecordId("old")));
  EXPECT_THAT(outcome.record.history.back().detail, HasSubstr("takes the place of"));
  EXPECT_TRUE(outcome.settled.empty());
  EXPECT_EQ(CountsIn(driver), Counts({{"class=a", 1}}));
  EXPECT_EQ(AdmittedIn(driver), 1u);
}

TEST(BalancerReplacementTest, CountsTheBetterCopyUnderItsOwnStrataEvenBeyondTheirShare) {
  auto driver = Driver(OneOfEach());
  ASSERT_EQ(driver.Process(Image("old", "a"))->reason, Reason::kNone);
  ASSERT_EQ(driver.Process(Image("b1", "b"))->reason, Reason::kNone);
  ASSERT_EQ(driver.Process(Image("b2", "b"))->reason, Reason::kNone);
  const Outcome outcome = driver.Process(Replacing({"old"}, Image("new", "b"))).value();
  EXPECT_EQ(outcome.reason, Reason::kNone);
  EXPECT_EQ(CountsIn(driver), Counts({{"class=b", 3}}));
  const record::StageVerdict& verdict = outcome.record.history.back();
  EXPECT_GT(verdict.scores.at("count"), verdict.thresholds.at("limit")) << "and says so";
  EXPECT_EQ(driver.Process(Image("b4", "b"))->reason, Reason::kOverTargetShare);
}

TEST(BalancerReplacementTest, AdmitsTheBetterCopyOfAFullClass) {
  spec::CollectionSpec spec;
  spec.objective.target_counts = {{"a", 1}};
  auto driver = Driver(spec);
  ASSERT_EQ(driver.Process(Image("old", "b"))->reason, Reason::kNone);
  ASSERT_EQ(driver.Process(Image("a1", "a"))->reason, Reason::kNone);
  EXPECT_EQ(driver.Process(Replacing({"old"}, Image("new", "a")))->reason, Reason::kNone);
  EXPECT_EQ(CountsIn(driver), Counts({{"class=a", 2}}));
  ASSERT_EQ(driver.Process(Replacing({"a1"}, Image("newer", "b")))->reason, Reason::kNone);
  EXPECT_EQ(driver.Process(Image("a3", "a"))->reason, Reason::kQuotaReached)
      << "one of two gone: the quota of one is still reached";
}

TEST(BalancerReplacementTest, ReopensAQuotaForWhatWaitsInTheReserve) {
  spec::CollectionSpec spec;
  spec.objective.target_counts = {{"a", 1}};
  auto driver = Driver(spec);
  ASSERT_EQ(driver.Process(Image("old", "a"))->reason, Reason::kNone);
  ASSERT_EQ(driver.Process(Image("waits", "a"))->reason, Reason::kQuotaReached);
  const Outcome outcome = driver.Process(Replacing({"old"}, Image("new", "b"))).value();
  ASSERT_EQ(outcome.settled.size(), 1u);
  EXPECT_EQ(outcome.settled[0].record.id, RecordId("waits"));
  EXPECT_EQ(outcome.settled[0].disposition, Disposition::kForwarded);
  EXPECT_EQ(CountsIn(driver), Counts({{"class=a", 1}, {"class=b", 1}}));
}

TEST(BalancerReplacementTest, ReopensACompleteDatasetForWhatWaitsInTheReserve) {
  spec::CollectionSpec spec;
  spec.objective.target_images = 2;
  auto driver = Driver(spec);
  ASSERT_EQ(driver.Process(Image("1", "a"))->reason, Reason::kNone);
  ASSERT_EQ(driver.Process(Image("2", "a"))->reason, Reason::kNone);
  ASSERT_EQ(driver.Process(Image("waits", "a"))->reason, Reason::kQuotaReached);
  ASSERT_TRUE(driver.Process(Replacing({"1"}, Image("3", "a")))->settled.empty()) << "one for one";
  const Outcome outcome = driver.Process(Replacing({"2", "3"}, Image("4", "a"))).value();
  ASSERT_EQ(outcome.settled.size(), 1u) << "one for two";
  EXPECT_EQ(outcome.settled[0].record.id, RecordId("waits"));
  EXPECT_EQ(AdmittedIn(driver), 2u);
}

TEST(BalancerReplacementTest, TakesAWaitingCopyOutOfTheReserveAndJudgesTheBetterOneAsAnyOther) {
  auto driver = Driver(OneOfEach());
  ASSERT_EQ(driver.Process(Image("first", "a"))->reason, Reason::kNone);
  ASSERT_EQ(driver.Process(Image("old", "a", 0.4))->reason, Reason::kOverTargetShare);
  const Outcome outcome = driver.Process(Replacing({"old"}, Image("new", "a", 0.6))).value();
  EXPECT_EQ(outcome.reason, Reason::kOverTargetShare) << "nothing admitted was withdrawn";
  ASSERT_EQ(outcome.settled.size(), 1u);
  const stream::Settlement& settled = outcome.settled[0];
  EXPECT_EQ(settled.record.id, RecordId("old"));
  EXPECT_EQ(settled.disposition, Disposition::kRejected);
  EXPECT_EQ(settled.reason, Reason::kSuperseded);
  EXPECT_TRUE(std::holds_alternative<std::monostate>(settled.record.payload));
  ASSERT_EQ(settled.record.history.size(), 2u);
  EXPECT_EQ(settled.record.history.back().reason, Reason::kSuperseded);
  EXPECT_THAT(settled.record.history.back().detail, HasSubstr("new"));
  const std::map<std::string, double>& scores = settled.record.history.back().scores;
  EXPECT_GT(scores.at("later_rank"), scores.at("rank"));
  EXPECT_EQ(HeldIn(driver), 1u);

  const Outcome room = driver.Process(Image("b", "b")).value();
  ASSERT_EQ(room.settled.size(), 1u);
  EXPECT_EQ(room.settled[0].record.id, RecordId("new"));
  EXPECT_THAT(room.settled[0].record.duplicate->replaces, ElementsAre(RecordId("old")));
  EXPECT_THAT(room.settled[0].record.selection->withdrawn, ElementsAre());
}

TEST(BalancerReplacementTest, WithdrawsWhatWasAdmittedFromTheReserve) {
  auto driver = Driver(OneOfEach());
  ASSERT_EQ(driver.Process(Image("a1", "a"))->reason, Reason::kNone);
  ASSERT_EQ(driver.Process(Image("a2", "a"))->reason, Reason::kOverTargetShare);
  ASSERT_EQ(driver.Process(Image("b1", "b"))->settled.size(), 1u);
  driver.Reopen();
  const Outcome outcome = driver.Process(Replacing({"a2"}, Image("b2", "b"))).value();
  EXPECT_EQ(outcome.disposition, Disposition::kForwarded);
  EXPECT_EQ(CountsIn(driver), Counts({{"class=a", 1}, {"class=b", 2}}));
}

TEST(BalancerReplacementTest, WithdrawsNothingForWhatWasGivenUpOrNeverCame) {
  spec::CollectionSpec spec = OneOfEach();
  spec.balance.reserve_images = 0;
  auto driver = Driver(spec);
  ASSERT_EQ(driver.Process(Image("first", "a"))->reason, Reason::kNone);
  ASSERT_EQ(driver.Process(Image("given up", "a"))->reason, Reason::kReserveFull);
  EXPECT_EQ(driver.Process(Replacing({"given up", "unheard of"}, Image("new", "a")))->reason,
            Reason::kReserveFull);
  const Outcome fits = driver.Process(Replacing({"given up"}, Image("b", "b"))).value();
  EXPECT_EQ(fits.reason, Reason::kNone);
  EXPECT_THAT(fits.record.selection->withdrawn, ElementsAre());
  EXPECT_EQ(CountsIn(driver), Counts({{"class=a", 1}, {"class=b", 1}}));
  EXPECT_EQ(driver.Process(Image("given up", "a"))->reason, Reason::kReserveFull)
      << "what it was told first";
}

TEST(BalancerReplacementTest, RefusesAReplacedRecordThatComesOnlyAfterItsBetterCopy) {
  auto driver = Driver(OneOfEach());
  ASSERT_EQ(driver.Process(Replacing({"late"}, Image("new", "b")))->reason, Reason::kNone);
  const auto before = driver.state.entries;
  const Outcome late = driver.Process(Image("late", "a")).value();
  EXPECT_EQ(late.disposition, Disposition::kRejected);
  EXPECT_EQ(late.reason, Reason::kSuperseded);
  EXPECT_EQ(driver.state.entries, before);
}

TEST(BalancerReplacementTest, ReplacesSeveralAtOnceWhereverTheyAreAndEachOnce) {
  auto driver = Driver(OneOfEach());
  ASSERT_EQ(driver.Process(Image("a1", "a"))->reason, Reason::kNone);
  ASSERT_EQ(driver.Process(Image("b1", "b"))->reason, Reason::kNone);
  ASSERT_EQ(driver.Process(Image("a2", "a"))->reason, Reason::kNone);
  ASSERT_EQ(driver.Process(Image("waits", "a"))->reason, Reason::kOverTargetShare);
  const ImageRecord better =
      Replacing({"waits", "a2", "never came", "a1", "a2", "new"}, Image("new", "a"));
  const Outcome outcome = driver.Process(better).value();
  EXPECT_EQ(outcome.disposition, Disposition::kForwarded);
  EXPECT_THAT(outcome.record.selection->withdrawn, ElementsAre("class=a", "class=a"));
  ASSERT_EQ(outcome.settled.size(), 1u);
  EXPECT_EQ(outcome.settled[0].record.id, RecordId("waits"));
  EXPECT_EQ(CountsIn(driver), Counts({{"class=a", 1}, {"class=b", 1}}));
  EXPECT_EQ(AdmittedIn(driver), 2u);
  EXPECT_EQ(HeldIn(driver), 0u);
  EXPECT_EQ(driver.Process(better)->disposition, Disposition::kForwarded)
      << "naming itself does not replace itself";
}

TEST(BalancerReplacementTest, FollowsAChainOfBetterCopies) {
  auto driver = Driver(OneOfEach());
  ASSERT_EQ(driver.Process(Image("1", "a"))->reason, Reason::kNone);
  for (int i = 2; i <= 4; ++i) {
    const ImageRecord better = Replacing({std::to_string(i - 1)}, Image(std::to_string(i), "a"));
    ASSERT_EQ(driver.Process(better)->disposition, Disposition::kForwarded) << i;
    ASSERT_EQ(CountsIn(driver), Counts({{"class=a", 1}})) << i;
    if (i == 3) driver.Reopen();
  }
  for (int i = 1; i <= 3; ++i) {
    const Outcome again = driver.Process(Image(std::to_string(i), "a")).value();
    EXPECT_EQ(again.reason, Reason::kSuperseded);
    EXPECT_THAT(again.record.history.back().detail, HasSubstr("by " + std::to_string(i + 1)));
  }
  EXPECT_EQ(AdmittedIn(driver), 1u);
}

TEST(BalancerReplacementTest, GivesReplacedAndReplacingRecordsTheSameAnswerHoweverOftenTheyCome) {
  auto driver = Driver(OneOfEach());
  ASSERT_EQ(driver.Process(Image("old", "a"))->reason, Reason::kNone);
  ASSERT_EQ(driver.Process(Image("waits", "a"))->reason, Reason::kOverTargetShare);
  const ImageRecord better = Replacing({"old", "waits"}, Image("new", "a"));
  const Outcome first = driver.Process(better).value();
  ASSERT_EQ(first.settled.size(), 1u);
  const auto before = driver.state.entries;
  for (int round = 0; round < 2; ++round) {
    const Outcome again = driver.Process(better).value();
    EXPECT_EQ(again.record, first.record);
    EXPECT_EQ(again.disposition, Disposition::kForwarded);
    EXPECT_TRUE(again.settled.empty());
    for (const char* id : {"old", "waits"}) {
      const Outcome replaced = driver.Process(Image(id, "a")).value();
      EXPECT_EQ(replaced.disposition, Disposition::kRejected);
      EXPECT_EQ(replaced.reason, Reason::kSuperseded);
      EXPECT_FALSE(replaced.record.selection);
      EXPECT_TRUE(std::holds_alternative<std::monostate>(replaced.record.payload));
      EXPECT_THAT(replaced.record.history.back().detail, HasSubstr("new"));
    }
    driver.Reopen();
  }
  EXPECT_EQ(driver.state.entries, before);
}

TEST(BalancerReplacementTest, WithdrawsFromCountsOfOtherTargets) {
  auto driver = Driver(OneOfEach());
  ASSERT_EQ(driver.Process(Image("b", "b"))->reason, Reason::kNone);
  ASSERT_EQ(driver.Process(Image("old", "a"))->reason, Reason::kNone);
  spec::CollectionSpec other = OneOfEach();
  other.balance.axes[0].targets = {{"c", 0.2}, {"b", 0.3}};
  auto later = Driver(other);
  later.state = driver.state;
  later.Reopen();
  ASSERT_EQ(later.Process(Replacing({"old"}, Image("new", "c")))->reason, Reason::kNone);
  EXPECT_EQ(CountsIn(later), Counts({{"class=b", 1}, {"class=c", 1}}));
}

TEST(BalancerReplacementTest, StopsWhereStateHasLostAStratumOrAWaitingImage) {
  auto driver = Driver(OneOfEach());
  ASSERT_TRUE(driver.Process(Image("old", "a")));
  ASSERT_EQ(driver.Process(Image("waits", "a"))->reason, Reason::kOverTargetShare);
  const auto entries = driver.state.entries;
  const auto fails_without = [&](std::string_view prefix, const char* replaced) {
    driver.state.entries = entries;
    driver.state.entries.erase(driver.state.entries.lower_bound(prefix));
    driver.Reopen();
    const auto outcome = driver.Process(Replacing({replaced}, Image("new", "b")));
    return !outcome && outcome.error().code == ErrorCode::kCorruptState;
  };
  EXPECT_TRUE(fails_without("n", "old"));
  EXPECT_TRUE(fails_without("p", "waits"));
  EXPECT_TRUE(fails_without("q", "waits"));
}

// ---- against a recount -------------------------------------------------------------------------

spec::CollectionSpec BusySpec() {
  spec::CollectionSpec spec;
  spec.balance.axes = {{"class", {{"c0", 0.3}}, 0.02}, {"site", {}, 0.1}};
  spec.balance.warmup = 5;
  spec.balance.reserve_images = 40;
  spec.objective.target_counts = {{"c1", 60}, {"c4", 30}};
  spec.objective.target_images = 400;
  return spec;
}

// Most replace one of the images just before, some two, some one of long ago or never heard of.
ImageRecord BusyImage(std::mt19937_64& random, int i) {
  ImageRecord image =
      Image(std::to_string(i), "c" + std::to_string(std::min(random() % 6, random() % 6)),
            static_cast<double>(random() % 10) / 10);
  image.source.site = random() % 5 == 0 ? "south" : "north";
  Ids replaced;
  for (std::uint64_t n = random() % 5; n >= 3; --n) {
    const auto back = static_cast<int>(random() % 10 == 0 ? random() % 500 : random() % 8);
    replaced.push_back(std::to_string(i - 1 - back));  // below 0 never came
  }
  return replaced.empty() ? image : Replacing(replaced, image);
}

// Every record that came, and what a recount over them gives.
class Recount {
 public:
  struct Entry {
    Strata strata;
    Disposition at;
    bool counted = false;
  };

  // What the balancer must say: by a census that knows nothing but the recount.
  Reason Expect(const ImageRecord& record) const {
    const std::vector<std::string> replaced = Replaced(record);
    const bool in_place = std::any_of(replaced.begin(), replaced.end(), [&](const auto& id) {
      return entries_.count(id) != 0 && entries_.at(id).counted;
    });
    if (in_place) return Reason::kNone;
    Census census = Fresh();
    return census.Judge(census.Locate(StrataOf(record))).reason;
  }

  void Note(const Outcome& outcome) {
    for (const std::string& id : Replaced(outcome.record)) {
      const auto found = entries_.find(id);
      if (found == entries_.end()) continue;
      found->second.counted = false;
      if (found->second.at == Disposition::kDeferred) to_settle_.insert(id);
    }
    Entry entry = {StrataOf(outcome.record), outcome.disposition,
                   outcome.disposition == Disposition::kForwarded};
    for (std::size_t axis = 0; axis < 2; ++axis) {
      for (const std::string& value : entry.strata[axis]) seen_.insert({axis, value});
    }
    ASSERT_TRUE(entries_.emplace(outcome.record.id.value(), std::move(entry)).second);
    for (const stream::Settlement& settled : outcome.settled) NoteSettled(settled);
    EXPECT_TRUE(to_settle_.empty()) << *to_settle_.begin() << " still waits";
  }

  Counts CountsNow() const {
    Counts counts;
    for (const auto& [id, entry] : entries_) {
      if (!entry.counted) continue;
      for (const std::string& value : entry.strata[0]) ++counts["class=" + value];
      for (const std::string& value : entry.strata[1]) ++counts["site=" + value];
    }
    return counts;
  }
  std::uint64_t Counted() const {
    return Count([](const Entry& entry) { return entry.counted; });
  }
  std::uint64_t At(Disposition at) const {
    return Count([at](const Entry& entry) { return entry.at == at; });
  }
  std::uint64_t superseded() const { return superseded_; }

  bool SomethingWaitsInVain() const {
    Census census = Fresh();
    return Count([&](const Entry& entry) {
             return entry.at == Disposition::kDeferred &&
                    census.NeedOf(census.Locate(entry.strata)) > 0;
           }) > 0;
  }

 private:
  static Strata StrataOf(const ImageRecord& record) {
    return {ValuesOf(record, "class"), ValuesOf(record, "site")};
  }
  static std::vector<std::string> Replaced(const ImageRecord& record) {
    std::vector<std::string> ids;
    if (!record.duplicate) return ids;
    for (const RecordId& id : record.duplicate->replaces) ids.push_back(id.value());
    return ids;
  }

  void NoteSettled(const stream::Settlement& settled) {
    const std::string& id = settled.record.id.value();
    Entry& entry = entries_.at(id);
    ASSERT_EQ(entry.at, Disposition::kDeferred) << id << " was not held";
    const bool replaced = to_settle_.erase(id) != 0;
    EXPECT_EQ(settled.reason == Reason::kSuperseded, replaced) << id;
    superseded_ += replaced ? 1 : 0;
    entry.at = settled.disposition;
    entry.counted = settled.disposition == Disposition::kForwarded;
  }

  Census Fresh() const {
    Census census(BusySpec());
    const Counts counts = CountsNow();
    std::uint32_t number = 0;
    for (const auto& [axis, value] : seen_) {
      const std::string& name = census.axes()[axis];
      const auto count = counts.find(name + "=" + value);
      census.Restore(name, value, count == counts.end() ? 0 : count->second, number++);
    }
    census.RestoreAdmitted(Counted());
    return census;
  }

  template <class Wanted>
  std::uint64_t Count(Wanted wanted) const {
    return static_cast<std::uint64_t>(std::count_if(
        entries_.begin(), entries_.end(), [&](const auto& entry) { return wanted(entry.second); }));
  }

  std::map<std::string, Entry> entries_;
  std::set<std::pair<std::size_t, std::string>> seen_;
  std::set<std::string> to_settle_;
  std::uint64_t superseded_ = 0;
};

TEST(BalancerReplacementTest, DecidesCountsAndConservesAsARecountSays) {
  std::mt19937_64 random(31);
  auto driver = Driver(BusySpec());
  Recount recount;
  std::uint64_t in_place = 0;
  for (int i = 0; i < 1500; ++i) {
    const ImageRecord image = BusyImage(random, i);
    const Reason expected = recount.Expect(image);
    const Outcome outcome = driver.Process(image).value();
    if (outcome.reason != Reason::kReserveFull) {
      ASSERT_EQ(outcome.reason, expected) << i;
    } else {
      ASSERT_NE(expected, Reason::kNone) << i;
    }
    ASSERT_NO_FATAL_FAILURE(recount.Note(outcome));
    ASSERT_EQ(CountsIn(driver), recount.CountsNow()) << i;
    ASSERT_EQ(AdmittedIn(driver), recount.Counted()) << i;
    ASSERT_EQ(HeldIn(driver), recount.At(Disposition::kDeferred)) << i;
    ASSERT_EQ(recount.At(Disposition::kForwarded) + recount.At(Disposition::kRejected) +
                  recount.At(Disposition::kDeferred),
              static_cast<std::uint64_t>(i) + 1);
    ASSERT_FALSE(recount.SomethingWaitsInVain()) << i;
    in_place += outcome.record.selection && !outcome.record.selection->withdrawn.empty() ? 1 : 0;
  }
  EXPECT_GT(in_place, 50u);
  EXPECT_GT(recount.superseded(), 50u);
  EXPECT_GT(recount.At(Disposition::kRejected), 100u);
}

TEST(BalancerReplacementTest, DecidesTheSameHoweverOftenItIsReopened) {
  std::mt19937_64 random(32);
  std::mt19937_64 pauses(33);
  auto steady = Driver(BusySpec());
  auto interrupted = Driver(BusySpec());
  for (int i = 0; i < 1500; ++i) {
    const ImageRecord image = BusyImage(random, i);
    const Outcome expected = steady.Process(image).value();
    const Outcome outcome = interrupted.Process(image).value();
    ASSERT_EQ(outcome.record, expected.record) << i;
    ASSERT_EQ(outcome.settled.size(), expected.settled.size()) << i;
    for (std::size_t s = 0; s < outcome.settled.size(); ++s) {
      ASSERT_EQ(outcome.settled[s].record, expected.settled[s].record) << i;
    }
    if (pauses() % 20 == 0) {
      interrupted.Reopen();
      ASSERT_TRUE(interrupted.opened);
    }
  }
  EXPECT_EQ(steady.state.entries, interrupted.state.entries);
}

}  // namespace
}  // namespace winnow::balancer
