#include "services/deduper/state_entries.h"

#include <gtest/gtest.h>

namespace winnow::deduper {
namespace {

using record::Reason;

Timestamp At(std::int64_t ms) { return Timestamp(std::chrono::milliseconds(ms)); }

Kept FullKept() {
  Kept kept;
  kept.id = RecordId("a");
  kept.cluster = RecordId("b");
  kept.scope = "street/source/gate";
  kept.fingerprint = record::Fingerprint{{1, 2, 3, ~0ull}, -7};
  kept.sha256 = Sha256("bytes");
  kept.traits = {At(-5), 777, SourceId("gate")};
  kept.burst_began = At(-9);
  kept.period = -3;
  return kept;
}

TEST(StateEntriesTest, ReadBackWhatTheyWrote) {
  Decision decision;
  EXPECT_EQ(DecodeDecision(Encode(decision)).value(), decision);
  decision.sequence = 0;
  decision.judgement = {Reason::kNearDuplicate, RecordId("near"),  12, record::Turn::kFlipped, 5,
                        RecordId("first"),      {RecordId("x"), RecordId("y")}};
  EXPECT_EQ(DecodeDecision(Encode(decision)).value(), decision);
  EXPECT_EQ(DecodeKept(Encode(Kept())).value(), Kept());
  EXPECT_EQ(DecodeKept(Encode(FullKept())).value(), FullKept());
  EXPECT_EQ(DecodeKeptKey(KeptKey(300)).value(), 300u);
  for (const std::int64_t period : {std::int64_t{-3}, std::int64_t{0}, std::int64_t{9}}) {
    EXPECT_EQ(DecodePeriodKey(PeriodKey(period)).value(), period);
  }
}

TEST(StateEntriesTest, SortBySequenceAndByTime) {
  EXPECT_LT(KeptKey(255), KeptKey(256));
  EXPECT_LT(PeriodKey(-1), PeriodKey(0));
  EXPECT_LT(DecisionPrefix(-1), DecisionPrefix(1));
  EXPECT_EQ(DecisionKey(7, RecordId("x")).substr(0, DecisionPrefix(7).size()), DecisionPrefix(7));
}

TEST(StateEntriesTest, CallDamagedEntriesCorrupt) {
  const std::string kept = Encode(FullKept());
  for (std::size_t size = 0; size < kept.size(); ++size) {
    EXPECT_EQ(DecodeKept(kept.substr(0, size)).error().code, ErrorCode::kCorruptState) << size;
  }
  const std::string decision = Encode(Decision());
  for (std::size_t size = 0; size < decision.size(); ++size) {
    EXPECT_EQ(DecodeDecision(decision.substr(0, size)).error().code, ErrorCode::kCorruptState);
  }
  EXPECT_EQ(DecodeDecision(kept).error().code, ErrorCode::kCorruptState);
  EXPECT_EQ(DecodeSequence("").error().code, ErrorCode::kCorruptState);
  EXPECT_EQ(DecodePeriodKey("p").error().code, ErrorCode::kCorruptState);
  EXPECT_EQ(CheckFormat("", {}).error().code, ErrorCode::kCorruptState);
}

TEST(StateEntriesTest, RefuseStateKeptUnderAnotherFormatScopeOrWindow) {
  spec::DedupPolicy policy;
  const std::string format = EncodeFormat(policy);
  EXPECT_TRUE(CheckFormat(format, policy));
  const std::string first_format(3, '\0');
  EXPECT_EQ(CheckFormat(first_format + '\1', policy).error().code, ErrorCode::kConfig);
  policy.window_seconds = 60;
  EXPECT_EQ(CheckFormat(format, policy).error().code, ErrorCode::kConfig);
  policy.window_seconds = 0;
  policy.scope = spec::DedupScope::kSource;
  EXPECT_EQ(CheckFormat(format, policy).error().code, ErrorCode::kConfig);
}

}  // namespace
}  // namespace winnow::deduper
