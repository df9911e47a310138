#include "services/deduper/core.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/deduper/state_entries.h"

namespace winnow::deduper {
namespace {

using record::Reason;

const RecordId kNew("new");

Neighbour At(int distance) { return {RecordId("near"), RecordId("first"), distance}; }
Neighbour SameBytes() { return {RecordId("copy"), RecordId("copy"), 0}; }

struct Case {
  const char* name;
  std::optional<Neighbour> same_bytes;
  std::optional<Neighbour> nearest;
  spec::DedupPolicy policy;
  Judgement expected;
};

class JudgeTest : public testing::TestWithParam<Case> {};

TEST_P(JudgeTest, Decides) {
  const Case& c = GetParam();
  EXPECT_EQ(Judge(kNew, c.same_bytes, c.nearest, c.policy), c.expected);
}

const spec::DedupPolicy kDefault;
const spec::DedupPolicy kStrict = {.exact = true, .max_distance = 8, .min_quality = 50};
const spec::DedupPolicy kNearOnly = {.exact = false, .max_distance = 31, .min_quality = 50};

INSTANTIATE_TEST_SUITE_P(
    Table, JudgeTest,
    testing::Values(
        Case{"Alone", {}, {}, kDefault, {Reason::kNone, RecordId(), 0, kNew}},
        Case{"ExactWins", SameBytes(), At(0), kDefault,
             {Reason::kExactDuplicate, RecordId("copy"), 0, RecordId("copy")}},
        Case{"NearAtTheLimit", {}, At(31), kDefault,
             {Reason::kNearDuplicate, RecordId("near"), 31, RecordId("first")}},
        Case{"WithinAStrictLimit", {}, At(8), kStrict,
             {Reason::kNearDuplicate, RecordId("near"), 8, RecordId("first")}},
        Case{"LookAlikeBeyondTheLimitJoinsTheCluster", {}, At(9), kStrict,
             {Reason::kNone, RecordId("near"), 9, RecordId("first")}},
        Case{"ExactSwitchedOffFallsToNear", SameBytes(), At(0), kNearOnly,
             {Reason::kNearDuplicate, RecordId("near"), 0, RecordId("first")}},
        Case{"ExactSwitchedOffWithoutFingerprintJoinsTheCluster", SameBytes(), {}, kNearOnly,
             {Reason::kNone, RecordId("copy"), 0, RecordId("copy")}}),
    [](const auto& test) { return std::string(test.param.name); });

TEST(ComparableTest, NeedsAFingerprintOfEnoughQuality) {
  record::Fingerprint fingerprint;
  EXPECT_FALSE(Comparable(std::nullopt, kDefault));
  fingerprint.quality = 49;
  EXPECT_FALSE(Comparable(fingerprint, kDefault));
  fingerprint.quality = 50;
  EXPECT_TRUE(Comparable(fingerprint, kDefault));
}

TEST(ToVerdictTest, NamesTheEarlierRecordAndItsDistance) {
  const auto verdict = ToVerdict({Reason::kNearDuplicate, RecordId("near"), 12, {}}, kDefault);
  EXPECT_EQ(verdict.disposition, record::Disposition::kRejected);
  EXPECT_THAT(verdict.detail, testing::AllOf(testing::HasSubstr("near"), testing::HasSubstr("12")));
  EXPECT_EQ(verdict.scores.at("distance"), 12);
  EXPECT_EQ(verdict.thresholds.at("max_distance"), 31);
}

TEST(StateEntriesTest, ReadBackWhatTheyWrote) {
  const Judgement judgement = {Reason::kNearDuplicate, RecordId("near"), 12, RecordId("first")};
  EXPECT_EQ(DecodeJudgement(Encode(judgement)).value(), judgement);
  Kept kept = {RecordId("a"), RecordId("b"), std::nullopt};
  EXPECT_EQ(DecodeKept(Encode(kept)).value(), kept);
  kept.fingerprint = record::Fingerprint{{1, 2, 3, ~0ull}, -7, {}};
  EXPECT_EQ(DecodeKept(Encode(kept)).value(), kept);
  EXPECT_EQ(DecodeKeptKey(KeptKey(300)).value(), 300u);
  EXPECT_LT(KeptKey(255), KeptKey(256));
}

TEST(StateEntriesTest, CallDamagedEntriesCorrupt) {
  const std::string kept = Encode(Kept{RecordId("a"), RecordId("a"), record::Fingerprint{}});
  EXPECT_EQ(DecodeKept(kept.substr(1)).error().code, ErrorCode::kCorruptState);
  EXPECT_EQ(DecodeJudgement(kept).error().code, ErrorCode::kCorruptState);
  EXPECT_EQ(DecodeSequence("").error().code, ErrorCode::kCorruptState);
  EXPECT_EQ(CheckVersion("later").error().code, ErrorCode::kCorruptState);
}

}  // namespace
}  // namespace winnow::deduper
