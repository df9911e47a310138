#include "services/balancer/census.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

#include "services/balancer/state_entries.h"

namespace winnow::balancer {
namespace {

using record::Reason;
using Counts = std::map<std::string, std::uint64_t>;
using Targets = std::map<std::string, double>;

spec::CollectionSpec OneAxis(const Targets& targets, double tolerance, std::uint64_t warmup) {
  spec::CollectionSpec spec;
  spec.balance.axes = {{"class", targets, tolerance}};
  spec.balance.warmup = warmup;
  return spec;
}

Census With(const spec::CollectionSpec& spec, const Counts& counts) {
  Census census(spec);
  std::uint32_t number = 0;
  for (const auto& [value, count] : counts) census.Restore("class", value, count, number++);
  return census;
}

struct Case {
  const char* name;
  Targets targets;
  double tolerance;
  std::uint64_t warmup;
  std::map<std::string, std::uint64_t> quotas;
  Counts counts;
  std::vector<std::string> image;
  Reason expected;
  double limit;
};

class CensusTableTest : public testing::TestWithParam<Case> {};

TEST_P(CensusTableTest, Decides) {
  const Case& c = GetParam();
  spec::CollectionSpec spec = OneAxis(c.targets, c.tolerance, c.warmup);
  spec.objective.target_counts = c.quotas;
  Census census = With(spec, c.counts);
  const Judgement judgement = census.Judge(census.Locate({c.image}));
  EXPECT_EQ(judgement.reason, c.expected) << judgement.stratum;
  EXPECT_NEAR(judgement.limit, c.limit, 1e-9) << judgement.stratum;
}

const Targets kHalves = {{"a", 0.5}, {"b", 0.5}};
constexpr Reason kOver = Reason::kOverTargetShare;
constexpr Reason kQuota = Reason::kQuotaReached;

INSTANTIATE_TEST_SUITE_P(
    Table, CensusTableTest,
    testing::Values(
        Case{"TheFirstImageIsWelcome", kHalves, 0, 0, {}, {}, {"a"}, Reason::kNone, 0.5},
        Case{"BelowItsShare", kHalves, 0, 0, {}, {{"a", 4}, {"b", 6}}, {"a"}, Reason::kNone, 5.5},
        Case{"AboveItsShare", kHalves, 0, 0, {}, {{"a", 4}, {"b", 6}}, {"b"}, kOver, 5.5},
        Case{"ToleranceWidensTheShare", kHalves, 0.1, 0, {}, {{"a", 4}, {"b", 6}}, {"b"},
             Reason::kNone, 6.6},
        Case{"WarmupComesFirst", kHalves, 0, 7, {}, {{"a", 0}, {"b", 6}}, {"b"}, Reason::kNone, 7},
        Case{"WarmupEnds", kHalves, 0, 6, {}, {{"a", 0}, {"b", 6}}, {"b"}, kOver, 6},
        Case{"AnyValueBelowItsShareAdmits", kHalves, 0, 0, {}, {{"a", 4}, {"b", 6}}, {"a", "b"},
             Reason::kNone, 5.5},
        Case{"UnlistedValuesShareWhatIsLeft", {{"a", 0.5}}, 0, 0, {},
             {{"a", 10}, {"x", 6}, {"y", 4}}, {"x"}, kOver, 0.25 * 21},
        Case{"AnUnseenValueLowersTheSharesOfTheOthers", {}, 0, 0, {}, {{"x", 10}, {"y", 5}}, {"z"},
             Reason::kNone, 16.0 / 3},
        Case{"ListedSharesGrowWhereNothingElseIsSeen", {{"a", 0.2}, {"b", 0.2}}, 0, 0, {},
             {{"a", 10}, {"b", 10}}, {"a"}, Reason::kNone, 10.5},
        Case{"NothingLeftForUnlistedButTolerance", kHalves, 0.1, 0, {}, {{"a", 5}, {"b", 5}}, {"x"},
             Reason::kNone, 1.1},
        Case{"AListedValueThatNeverCameKeepsItsShare", kHalves, 0, 0, {}, {{"a", 10}}, {"a"}, kOver,
             5.5},
        Case{"QuotaReached", {}, 0.05, 50, {{"a", 10}}, {{"a", 10}}, {"a"}, kQuota, 10},
        Case{"OneOpenClassIsEnough", {}, 0, 0, {{"a", 10}}, {{"a", 10}, {"b", 1}}, {"a", "b"},
             Reason::kNone, 2},
        Case{"AFullClassNoLongerHoldsBackTheOthers", kHalves, 0, 0, {{"a", 10}},
             {{"a", 10}, {"b", 90}}, {"b"}, Reason::kNone, 91},
        Case{"AQuotaOfZeroWantsNone", {}, 0, 50, {{"a", 0}}, {}, {"a"}, kQuota, 0},
        Case{"OnlyUnwantedStrataOpenShareEqually", {{"a", 1.0}}, 0, 0, {{"a", 5}},
             {{"a", 5}, {"x", 3}, {"y", 1}}, {"x"}, kOver, 2.5}),
    [](const auto& test) { return std::string(test.param.name); });

TEST(CensusTest, AdmitsEverythingWithoutAxes) {
  Census census{spec::CollectionSpec()};
  const Places places = census.Locate({});
  for (int i = 0; i < 1000; ++i) {
    ASSERT_EQ(census.Judge(places).reason, Reason::kNone);
    census.Admit(places);
  }
  EXPECT_EQ(census.admitted(), 1000u);
}

TEST(CensusTest, StopsAtTheImagesAskedFor) {
  spec::CollectionSpec spec;
  spec.objective.target_images = 2;
  Census census(spec);
  const Places places = census.Locate({});
  census.Admit(places);
  EXPECT_EQ(census.Judge(places).reason, Reason::kNone);
  census.Admit(places);
  EXPECT_EQ(census.Judge(places).reason, Reason::kQuotaReached);
}

TEST(CensusTest, CountsClassesForQuotasWithoutBalancingThem) {
  spec::CollectionSpec spec;
  spec.objective.target_counts = {{"a", 3}};
  Census census(spec);
  ASSERT_EQ(census.axes(), std::vector<std::string>{"class"});
  const Places a = census.Locate({{"a"}});
  const Places b = census.Locate({{"b"}});
  for (int i = 0; i < 200; ++i) {
    ASSERT_EQ(census.Judge(b).reason, Reason::kNone) << "no shares are asked for";
    census.Admit(b);
  }
  for (int i = 0; i < 3; ++i) census.Admit(a);
  EXPECT_EQ(census.Judge(a).reason, Reason::kQuotaReached);
}

TEST(CensusTest, NeedsRoomOnEveryAxisAndNamesTheTightest) {
  spec::CollectionSpec spec;
  spec.balance.axes = {{"class", kHalves, 0}, {"site", {}, 0}};
  spec.balance.warmup = 0;
  Census census(spec);
  const auto admit = [&](const std::string& label, const std::string& site) {
    census.Admit(census.Locate({{label}, {site}}));
  };
  admit("a", "north");
  admit("a", "north");
  admit("b", "north");
  admit("b", "south");
  const auto judge = [&](const std::string& label, const std::string& site) {
    return census.Judge(census.Locate({{label}, {site}}));
  };
  EXPECT_EQ(judge("a", "south").reason, Reason::kNone);
  EXPECT_EQ(judge("a", "north").reason, Reason::kOverTargetShare);
  EXPECT_EQ(judge("a", "north").stratum, "site=north");
}

// The promise of the header: whatever the counts, targets, tolerance and warmup, each axis has an
// open stratum that is welcome, unless quotas have closed all.
TEST(CensusTest, AlwaysWelcomesSomeStratumOfEveryAxis) {
  std::mt19937_64 random(5);
  const std::vector<std::string> values = {"a", "b", "c", "d", "e", "f"};
  for (int trial = 0; trial < 20'000; ++trial) {
    Targets targets;
    double left = 1;
    for (std::size_t i = 0; i < random() % values.size(); ++i) {
      const double target = left * static_cast<double>(random() % 101) / 100;
      targets[values[i]] = target;
      left -= target;
    }
    Counts counts;
    for (const std::string& value : values) {
      if (random() % 4 != 0) counts[value] = random() % (random() % 2 == 0 ? 10 : 5000);
    }
    for (const auto& [value, target] : targets) counts.try_emplace(value, 0);
    if (counts.empty()) continue;
    spec::CollectionSpec spec = OneAxis(targets, random() % 2 == 0 ? 0 : 0.05, random() % 3 * 20);
    const bool quota = random() % 2 == 0;
    if (quota) spec.objective.target_counts[counts.begin()->first] = 10;
    Census census = With(spec, counts);
    int welcome = 0;
    int full = 0;
    for (const auto& [value, count] : counts) {
      const Reason reason = census.Judge(census.Locate({{value}})).reason;
      welcome += reason == Reason::kNone ? 1 : 0;
      full += reason == Reason::kQuotaReached ? 1 : 0;
    }
    ASSERT_TRUE(welcome > 0 || full == static_cast<int>(counts.size())) << "trial " << trial;
  }
}

TEST(CensusTest, NeverStarvesImagesThatCarryAllLabels) {
  Census census(OneAxis(kHalves, 0, 0));
  const Places both = census.Locate({{"a", "b"}});
  for (int i = 0; i < 500; ++i) {
    ASSERT_EQ(census.Judge(both).reason, Reason::kNone) << i;
    census.Admit(both);
  }
}

TEST(CensusTest, DecidesTheSameFromRestoredCounts) {
  std::mt19937_64 random(6);
  spec::CollectionSpec spec = OneAxis({{"v0", 0.3}, {"v1", 0.3}}, 0.02, 5);
  spec.objective.target_counts = {{"v1", 40}, {"v5", 20}};
  Census census(spec);
  for (int i = 0; i < 600; ++i) {
    const Places places = census.Locate({{"v" + std::to_string(random() % 8)}});
    if (census.Judge(places).reason == Reason::kNone) census.Admit(places);
    if (i % 20 != 0) continue;
    Census restored(spec);
    for (std::uint32_t place = 0; place < 8; ++place) {
      const std::string value = "v" + std::to_string(7 - place);
      const std::uint32_t original = census.Locate({{value}})[0][0];
      restored.Restore("class", value, census.CountOf(0, original), census.NumberOf(0, original));
    }
    for (int v = 0; v < 8; ++v) {
      const Strata strata = {{"v" + std::to_string(v)}};
      ASSERT_EQ(restored.Judge(restored.Locate(strata)), census.Judge(census.Locate(strata)));
    }
  }
}

// Two axes, a quota that closes early and an end that is near: everything a decision rests on.
spec::CollectionSpec Crowded() {
  spec::CollectionSpec spec = OneAxis({{"v0", 0.3}, {"v1", 0.13}, {"v2", 0.17}}, 0.02, 5);
  spec.balance.axes.push_back({"site", {}, 0.05});
  spec.objective.target_counts = {{"v1", 7}, {"v5", 3}};
  spec.objective.target_images = 60;
  return spec;
}

Strata AnyStrata(std::mt19937_64& random) {
  const std::uint64_t first = random() % 7;
  std::vector<std::string> labels = {"v" + std::to_string(first)};
  if (random() % 3 == 0) labels.push_back("v" + std::to_string(first + 1));
  return {labels, {random() % 4 == 0 ? "south" : "north"}};
}

TEST(CensusTest, DecidesAfterAWithdrawalAsIfItHadNeverAdmitted) {
  std::mt19937_64 random(7);
  std::vector<Strata> all;
  for (int i = 0; i < 64; ++i) all.push_back(AnyStrata(random));
  int closed = 0;
  for (int trial = 0; trial < 200; ++trial) {
    Census census(Crowded());
    Census twin(Crowded());
    for (const Strata& strata : all) ASSERT_EQ(census.Locate(strata), twin.Locate(strata));
    for (std::uint64_t n = random() % 60; n > 0; --n) {
      const Places places = census.Locate(AnyStrata(random));
      census.Admit(places);
      twin.Admit(places);
    }
    // Not in the order of admission: what leaves is rarely what came last.
    std::vector<Places> visitors(1 + random() % 12);
    for (Places& places : visitors) {
      places = census.Locate(AnyStrata(random));
      const bool was_open = census.Judge(places).reason != kQuota;
      census.Admit(places);
      closed += was_open && census.Judge(places).reason == kQuota ? 1 : 0;
    }
    std::shuffle(visitors.begin(), visitors.end(), random);
    for (const Places& places : visitors) census.Withdraw(places);
    ASSERT_EQ(census.admitted(), twin.admitted());
    for (const Strata& strata : all) {
      const Places places = census.Locate(strata);
      ASSERT_EQ(census.Judge(places), twin.Judge(places)) << "trial " << trial;
      ASSERT_EQ(census.NeedOf(places), twin.NeedOf(places)) << "trial " << trial;
    }
  }
  EXPECT_GT(closed, 20);
}

TEST(CensusTest, WelcomesSomeStratumOfEveryAxisWhateverIsReplaced) {
  std::mt19937_64 random(8);
  spec::CollectionSpec spec = OneAxis({{"v0", 0.3}, {"v1", 0.13}}, 0, 0);
  Census census(spec);
  std::vector<Places> admitted;
  for (int i = 0; i < 3000; ++i) {
    const std::uint64_t leaving = random() % std::min<std::uint64_t>(4, admitted.size() + 1);
    for (std::uint64_t n = 0; n < leaving; ++n) {
      std::swap(admitted[random() % admitted.size()], admitted.back());
      census.Withdraw(admitted.back());
      admitted.pop_back();
    }
    // What takes a place is admitted whatever its stratum has: here one or two for each that left.
    const Places places = census.Locate({{"v" + std::to_string(random() % 5)}});
    for (int n = random() % 2 == 0 ? 2 : 1; n > 0; --n) {
      if (leaving == 0 && census.Judge(places).reason != Reason::kNone) continue;
      census.Admit(places);
      admitted.push_back(places);
    }
    int welcome = 0;
    for (int v = 0; v < 5; ++v) {
      welcome += census.Judge(census.Locate({{"v" + std::to_string(v)}})).reason == Reason::kNone;
    }
    ASSERT_GT(welcome, 0) << i;
  }
}

TEST(CensusTest, KeepsTheNumbersOfStrataWhateverIsSeenOrListedLater) {
  Census census(Crowded());
  const Strata strata = {{"v1", "x"}, {"north"}};
  const Places places = census.Locate(strata);
  const Numbers numbers = census.NumbersOf(places);
  EXPECT_EQ(census.PlacesOf(numbers), places);
  EXPECT_EQ(census.NamesOf(numbers),
            std::vector<std::string>({"class=v1", "class=x", "site=north"}));
  EXPECT_FALSE(census.PlacesOf({numbers[0], 17}));

  spec::CollectionSpec other = Crowded();
  other.balance.axes[0].targets = {{"a", 0.1}, {"x", 0.2}};
  Census later(other);
  later.Restore("site", "north", 1, numbers[2]);
  later.Restore("class", "x", 1, numbers[1]);
  later.Restore("class", "v1", 1, numbers[0]);
  EXPECT_EQ(later.NumbersOf(later.Locate(strata)), numbers);
  EXPECT_EQ(later.PlacesOf(numbers), later.Locate(strata));
  const Numbers fresh = later.NumbersOf(later.Locate({{"a"}, {"south"}}));
  EXPECT_EQ(std::set<std::uint32_t>(fresh.begin(), fresh.end()).size(), 2u);
  const std::uint32_t last = *std::max_element(numbers.begin(), numbers.end());
  for (const std::uint32_t number : fresh) EXPECT_GT(number, last);
}

TEST(BalancerStateEntriesTest, ReadBackWhatTheyWrote) {
  const Totals totals = {{"class", "attribute:weather"}, 7, 9};
  EXPECT_EQ(DecodeTotals(Encode(totals)).value(), totals);
  const HeldEntry held = {123, true, 456, {{"a", "b"}, {""}}};
  EXPECT_EQ(DecodeHeld(Encode(held)).value(), held);
  const Judgement admitted = {Reason::kNone, "class=a", 4, 4.75};
  const Decision decisions[] = {
      {admitted},
      {admitted, true, {7, 0}},
      {admitted, false, {1, 2}, Numbers{1, 3, 1, 2}},
      {admitted, false, {}, Numbers()},
      {{Reason::kOverTargetShare, "class=a", 4, 3.75}, false, {}, {}, 1ull << 40},
      {{Reason::kQuotaReached, "class=a", 4, 4}, false, {}, {}, 3},
      {{Reason::kReserveFull, "class=a", 4, 3.75}},
      {{Reason::kSuperseded, "", 0, 0}, false, {}, {}, 0, RecordId("better")}};
  for (const Decision& decision : decisions) {
    EXPECT_EQ(DecodeDecision(Encode(decision)).value(), decision);
  }
  const CountEntry count = {5, 6};
  EXPECT_EQ(DecodeCount(Encode(count)).value(), count);
  const auto stratum = DecodeCountKey(CountKey("site", std::string("a\0b", 3))).value();
  EXPECT_EQ(stratum, std::pair(std::string("site"), std::string("a\0b", 3)));
}

TEST(BalancerStateEntriesTest, CallDamagedEntriesCorrupt) {
  const std::string held = Encode(HeldEntry{1, false, 2, {{"a"}, {"b", "c"}}});
  for (std::size_t size = 0; size < held.size(); ++size) {
    ASSERT_FALSE(DecodeHeld(held.substr(0, size))) << size;
  }
  const std::string endless = Encode(Totals()).substr(0, 20) + "\xff\xff\xff\xff";
  EXPECT_EQ(DecodeTotals(endless).error().code, ErrorCode::kCorruptState);
  const std::string of_version_2 = std::string("\0\0\0\2", 4) + Encode(Totals()).substr(4);
  EXPECT_EQ(DecodeTotals(of_version_2).error().code, ErrorCode::kConfig);
  EXPECT_EQ(DecodeDecision("?").error().code, ErrorCode::kCorruptState);
  const std::string decision = Encode(Decision{{}, true, {1, 2}, Numbers{3}});
  for (std::size_t size = 0; size < decision.size(); ++size) {
    ASSERT_FALSE(DecodeDecision(decision.substr(0, size))) << size;
  }
  EXPECT_EQ(DecodeCount("1234567").error().code, ErrorCode::kCorruptState);
  EXPECT_EQ(DecodeCountKey("n").error().code, ErrorCode::kCorruptState);
}

}  // namespace
}  // namespace winnow::balancer
