#include "libs/local/totals.h"

#include <gtest/gtest.h>

namespace winnow::local {
namespace {

using record::Disposition;
using record::Reason;

const std::vector<std::string> kStages = {"validator", "balancer", "sink"};

Totals Example() {
  Totals totals;
  totals.Count("validator", Disposition::kRejected, Reason::kBlurry);
  for (int i = 0; i < 3; ++i) totals.Count("validator", Disposition::kForwarded, Reason::kNone);
  totals.Count("balancer", Disposition::kForwarded, Reason::kNone);
  totals.Count("balancer", Disposition::kDeferred, Reason::kOverTargetShare);
  totals.Count("balancer", Disposition::kDeferred, Reason::kOverTargetShare);
  totals.Count("sink", Disposition::kStored, Reason::kNone);
  return totals;
}

TEST(TotalsTest, CountsWhereRecordsEnded) {
  const Totals totals = Example();
  EXPECT_EQ(totals.Received(), 4u);
  EXPECT_EQ(totals.Ended(Disposition::kStored), 1u);
  EXPECT_EQ(totals.Ended(Disposition::kDeferred), 2u);
  EXPECT_EQ(totals.Ended(Disposition::kRejected), 1u);
  EXPECT_EQ(totals.EndedByReason(Disposition::kRejected),
            (std::map<Reason, std::uint64_t>{{Reason::kBlurry, 1}}));
  EXPECT_TRUE(totals.Conserved(kStages));
}

TEST(TotalsTest, MovesASettledRecordInsteadOfCountingItTwice) {
  Totals totals = Example();
  const Ending deferred = {Disposition::kDeferred, Reason::kOverTargetShare};
  totals.Resettle("balancer", deferred, {Disposition::kForwarded, Reason::kNone});
  EXPECT_FALSE(totals.Conserved(kStages)) << "the sink has not received it";
  totals.Count("sink", Disposition::kStored, Reason::kNone);
  totals.Resettle("balancer", deferred, {Disposition::kRejected, Reason::kReserveFull});
  EXPECT_TRUE(totals.Conserved(kStages));
  EXPECT_EQ(totals.Ended(Disposition::kDeferred), 0u);
  EXPECT_EQ(totals.Received(), 4u);
}

TEST(TotalsTest, MovesAStoredRecordThatWasTakenOut) {
  Totals totals = Example();
  totals.Resettle("sink", {Disposition::kStored, Reason::kNone},
                  {Disposition::kRejected, Reason::kSuperseded});
  EXPECT_TRUE(totals.Conserved(kStages));
  EXPECT_EQ(totals.Ended(Disposition::kStored), 0u);
  EXPECT_EQ(totals.EndedByReason(Disposition::kRejected).at(Reason::kSuperseded), 1u);
  EXPECT_EQ(totals.Received(), 4u);
}

TEST(TotalsTest, NoticesARecordThatVanishedBetweenStages) {
  Totals totals = Example();
  totals.Count("validator", Disposition::kForwarded, Reason::kNone);
  EXPECT_FALSE(totals.Conserved(kStages));
}

TEST(TotalsTest, SurvivesEncoding) {
  const Totals totals = Example();
  EXPECT_EQ(Totals::Decode(totals.Encode()).value(), totals);
  EXPECT_EQ(Totals::Decode("").value(), Totals());
}

TEST(TotalsTest, RefusesCountsNobodyWrote) {
  for (const char* text : {"count validator lost none 3\n", "count validator rejected bored 3\n",
                           "count validator rejected blurry\n", "banana\n"}) {
    const auto totals = Totals::Decode(text);
    ASSERT_FALSE(totals) << text;
    EXPECT_EQ(totals.error().code, ErrorCode::kCorruptState);
  }
}

}  // namespace
}  // namespace winnow::local
