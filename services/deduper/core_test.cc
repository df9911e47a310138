#include "services/deduper/core.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace winnow::deduper {
namespace {

using record::Reason;
using record::Turn;
using spec::Keep;

const RecordId kNew("new");

Timestamp At(double seconds) {
  return Timestamp(std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000)));
}

Traits Of(std::uint32_t rank, double taken_at = 100, const std::string& camera = "gate") {
  return {At(taken_at), rank, SourceId(camera)};
}

Neighbour Near(const std::string& id, int distance, const Traits& traits = Of(1000),
               const std::string& cluster = "first") {
  return {1, RecordId(id), RecordId(cluster), traits, traits.taken_at, distance, Turn::kNone};
}

const Neighbour kSameBytes = Near("copy", 0, Of(1000), "copy");

spec::DedupPolicy Policy(Keep keep = Keep::kFirst, std::uint32_t max_distance = 31) {
  spec::DedupPolicy policy;
  policy.keep = keep;
  policy.max_distance = max_distance;
  return policy;
}

spec::DedupPolicy NearOnly() {
  spec::DedupPolicy policy;
  policy.exact = false;
  return policy;
}

// Reason, earlier record, distance, cluster and what is replaced, on one line.
std::string Told(const Judgement& judgement) {
  std::string told(Name(judgement.reason));
  told += " " + judgement.earlier.value() + " " + std::to_string(judgement.distance) + " of " +
          judgement.cluster.value();
  for (const RecordId& id : judgement.replaces) told += " for " + id.value();
  return told;
}

struct Case {
  const char* name;
  std::optional<Neighbour> same_bytes;
  std::vector<Neighbour> look_alikes;
  spec::DedupPolicy policy;
  std::string expected;
  Traits traits = Of(1000);
};

class JudgeTest : public testing::TestWithParam<Case> {};

TEST_P(JudgeTest, Decides) {
  const Case& c = GetParam();
  EXPECT_EQ(Told(Judge(kNew, c.traits, c.same_bytes, c.look_alikes, c.policy)), c.expected);
}

INSTANTIATE_TEST_SUITE_P(
    KeepsTheFirst, JudgeTest,
    testing::Values(
        Case{"Alone", {}, {}, Policy(), "none  0 of new"},
        Case{"ExactWins", kSameBytes, {Near("a", 0)}, Policy(), "exact_duplicate copy 0 of copy"},
        Case{"NearAtTheLimit", {}, {Near("a", 31)}, Policy(), "near_duplicate a 31 of first"},
        Case{"WithinAStrictLimit", {}, {Near("a", 8)}, Policy(Keep::kFirst, 8),
             "near_duplicate a 8 of first"},
        Case{"LookAlikeBeyondTheLimitJoinsTheCluster", {}, {Near("a", 9)}, Policy(Keep::kFirst, 8),
             "none a 9 of first"},
        Case{"ExactSwitchedOffFallsToNear", kSameBytes, {Near("a", 0)}, NearOnly(),
             "near_duplicate a 0 of first"},
        Case{"ExactSwitchedOffWithoutFingerprintJoinsTheCluster", kSameBytes, {}, NearOnly(),
             "none copy 0 of copy"},
        Case{"ABetterCopyIsACopy", {}, {Near("a", 5)}, Policy(), "near_duplicate a 5 of first",
             Of(9999)}),
    [](const auto& test) { return std::string(test.param.name); });

INSTANTIATE_TEST_SUITE_P(
    KeepsTheBest, JudgeTest,
    testing::Values(
        Case{"ClearlyBetter", {}, {Near("a", 5)}, Policy(Keep::kBest),
             "none a 5 of first for a", Of(1051)},
        Case{"NotClearlyBetter", {}, {Near("a", 5)}, Policy(Keep::kBest),
             "near_duplicate a 5 of first", Of(1050)},
        Case{"BetterThanAllOfThem", {}, {Near("a", 5), Near("b", 9)}, Policy(Keep::kBest),
             "none a 5 of first for a for b", Of(2000)},
        Case{"BetterThanOneOfThem", {}, {Near("a", 5), Near("b", 9, Of(3000))},
             Policy(Keep::kBest), "near_duplicate a 5 of first", Of(2000)},
        Case{"ACopyOfTwoClustersStays", {}, {Near("a", 5), Near("b", 9, Of(1000), "other")},
             Policy(Keep::kBest), "near_duplicate a 5 of first", Of(2000)},
        Case{"TheSameBytesAreNeverBetter", kSameBytes, {}, Policy(Keep::kBest),
             "exact_duplicate copy 0 of copy", Of(9999)},
        Case{"ALookAlikeBeyondTheLimitIsNotReplaced", {}, {Near("a", 9)}, Policy(Keep::kBest, 8),
             "none a 9 of first", Of(9999)}),
    [](const auto& test) { return std::string(test.param.name); });

INSTANTIATE_TEST_SUITE_P(
    KeepsTheBestOfABurst, JudgeTest,
    testing::Values(
        Case{"SharperWithinTheBurst", {}, {Near("a", 5)}, Policy(Keep::kBestOfBurst),
             "none a 5 of first for a", Of(1001, 102)},
        Case{"SharperAfterTheBurst", {}, {Near("a", 5)}, Policy(Keep::kBestOfBurst),
             "near_duplicate a 5 of first", Of(9999, 102.001)},
        Case{"SharperFrameThatCameLate", {}, {Near("a", 5)}, Policy(Keep::kBestOfBurst),
             "none a 5 of first for a", Of(1001, 98)},
        Case{"NotSharper", {}, {Near("a", 5)}, Policy(Keep::kBestOfBurst),
             "near_duplicate a 5 of first", Of(1000, 101)},
        Case{"OfAnotherCamera", {}, {Near("a", 5)}, Policy(Keep::kBestOfBurst),
             "near_duplicate a 5 of first", Of(9999, 101, "yard")},
        Case{"OfNoCamera", {}, {Near("a", 5, Of(1000, 100, ""))}, Policy(Keep::kBestOfBurst),
             "near_duplicate a 5 of first", Of(9999, 101, "")},
        Case{"WithAClockFromAnotherWorld", {},
             {Near("a", 5, {Timestamp::min(), 1, SourceId("gate")})}, Policy(Keep::kBestOfBurst),
             "near_duplicate a 5 of first", Traits{Timestamp::max(), 9, SourceId("gate")}}),
    [](const auto& test) { return std::string(test.param.name); });

TEST(JudgeTest, MeasuresABurstFromItsFirstFrame) {
  Neighbour third = Near("c", 3, Of(1000, 101.5));
  third.burst_began = At(100);
  const auto policy = Policy(Keep::kBestOfBurst);
  EXPECT_FALSE(Judge(kNew, Of(2000, 102), {}, {third}, policy).replaces.empty());
  EXPECT_TRUE(Judge(kNew, Of(2000, 103), {}, {third}, policy).replaces.empty());
}

TEST(ComparableTest, NeedsAFingerprintOfEnoughQuality) {
  record::Fingerprint fingerprint;
  EXPECT_FALSE(Comparable(std::nullopt, {}));
  fingerprint.quality = 49;
  EXPECT_FALSE(Comparable(fingerprint, {}));
  fingerprint.quality = 50;
  EXPECT_TRUE(Comparable(fingerprint, {}));
}

TEST(TurnsOfTest, GivesWhatThePolicyAsksFor) {
  spec::DedupPolicy policy;
  EXPECT_THAT(TurnsOf(policy), testing::ElementsAre(Turn::kNone));
  policy.mirrored = true;
  EXPECT_THAT(TurnsOf(policy), testing::ElementsAre(Turn::kNone, Turn::kMirrored));
  policy.rotated = true;
  EXPECT_THAT(TurnsOf(policy), testing::ElementsAreArray(record::kAllTurns));
  policy.mirrored = false;
  EXPECT_THAT(TurnsOf(policy), testing::ElementsAre(Turn::kNone, Turn::kRotated90,
                                                    Turn::kRotated180, Turn::kRotated270));
}

record::ImageRecord Fingerprinted(int quality) {
  record::ImageRecord record;
  record.fingerprint = record::Fingerprint{{1, 2, 3, 4}, quality};
  return record;
}

TEST(ToVerdictTest, NamesTheEarlierRecordAndItsDistance) {
  const Judgement judgement = {.reason = Reason::kNearDuplicate,
                               .earlier = RecordId("near"),
                               .distance = 12,
                               .turn = Turn::kMirrored};
  const auto verdict = ToVerdict(judgement, Fingerprinted(90), {});
  EXPECT_EQ(verdict.disposition, record::Disposition::kRejected);
  EXPECT_THAT(verdict.detail, testing::HasSubstr("12 of 256 bits away when mirrored from near"));
  EXPECT_EQ(verdict.scores.at("distance"), 12);
  EXPECT_EQ(verdict.scores.at("quality"), 90);
  EXPECT_EQ(verdict.thresholds.at("max_distance"), 31);
}

TEST(ToVerdictTest, TellsTheFiguresOfAReplacement) {
  const Judgement judgement = {.earlier = RecordId("blurred"),
                               .distance = 4,
                               .earlier_rank = 1200,
                               .replaces = {RecordId("blurred")}};
  const auto verdict = ToVerdict(judgement, Fingerprinted(90), Policy(Keep::kBest));
  EXPECT_EQ(verdict.disposition, record::Disposition::kForwarded);
  EXPECT_THAT(verdict.detail, testing::HasSubstr("a better copy of blurred"));
  EXPECT_EQ(verdict.scores.at("earlier_rank"), 1200);
  EXPECT_EQ(verdict.scores.at("rank"), 0);
  EXPECT_EQ(verdict.thresholds.at("better_by"), 0.05);
}

TEST(ToVerdictTest, SaysWhyNearDuplicatesWereNotLookedFor) {
  const Judgement alone = {.cluster = kNew};
  EXPECT_THAT(ToVerdict(alone, Fingerprinted(49), {}).detail,
              testing::HasSubstr("fingerprint quality 49 is below the minimum 50"));
  EXPECT_THAT(ToVerdict(alone, {}, {}).detail, testing::HasSubstr("no fingerprint"));
  EXPECT_EQ(ToVerdict(alone, Fingerprinted(50), {}).detail, "");
}

}  // namespace
}  // namespace winnow::deduper
