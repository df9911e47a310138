// The audit's books, without a broker: what balances and what does not.
#include "services/winnow/audit_ledger.h"

#include <gtest/gtest.h>

namespace winnow::cli {
namespace {

class AuditLedgerTest : public testing::Test {
 protected:
  AuditLedgerTest() { ledger_.Raw(0, 0, 10); }

  static RecordId Id(int n) {
    const std::string digit(1, static_cast<char>('0' + n));
    std::string text;
    for (int i = 0; i < 32; ++i) text += digit;
    return RecordId(text);
  }
  static Passage From(std::int64_t offset, int n, int replay = 0) {
    return {{"raw", 0, offset}, replay, Id(n)};
  }
  std::vector<std::string> Rules() const {
    std::vector<std::string> rules;
    for (const Violation& violation : ledger_.Judge().violations) rules.push_back(violation.rule);
    return rules;
  }

  AuditLedger ledger_{"raw"};
};

TEST_F(AuditLedgerTest, FindsNothingWrongWithNothing) { EXPECT_TRUE(Rules().empty()); }

TEST_F(AuditLedgerTest, GivesAResentImageTheOutcomeOfItsIdInTheReserve) {
  ledger_.Arrived(0, 0, Id(1));
  ledger_.Arrived(0, 1, Id(1));
  ledger_.Deferred(Id(1), true);
  EXPECT_TRUE(Rules().empty());
  EXPECT_EQ(ledger_.Judge().figures.deferred, 2u);
}

// The message that deferred the second arrival is compacted away with the first one's.
TEST_F(AuditLedgerTest, SettlesAResentImageWithItsFirst) {
  ledger_.Arrived(0, 0, Id(1));
  ledger_.Arrived(0, 1, Id(1));
  Passage settled = From(0, 1);
  settled.settled = true;
  ledger_.Rejected(settled, record::Reason::kReserveFull);
  EXPECT_TRUE(Rules().empty());
  EXPECT_EQ(ledger_.Judge().figures.settled_with_earlier, 1u);
}

TEST_F(AuditLedgerTest, MissesAResentImageThatWasNeverDeferred) {
  ledger_.Arrived(0, 0, Id(1));
  ledger_.Arrived(0, 1, Id(1));
  ledger_.Rejected(From(0, 1), record::Reason::kBlurry);
  EXPECT_EQ(Rules(), std::vector<std::string>{"an arrival has an outcome or is in flight"});
}

// Seen in the reserve at first, admitted while the audit read on.
TEST_F(AuditLedgerTest, LetsARecordLeaveTheReserveWhileItLooks) {
  ledger_.Arrived(0, 0, Id(1));
  ledger_.Deferred(Id(1), false);
  ledger_.Selected(From(0, 1), 0, 0);
  ledger_.Stored(Id(1));
  EXPECT_TRUE(Rules().empty());
  EXPECT_EQ(ledger_.Judge().figures.stored, 1u);
}

TEST_F(AuditLedgerTest, FindsAnImageBothAdmittedAndInTheReserve) {
  ledger_.Arrived(0, 0, Id(1));
  ledger_.Selected(From(0, 1), 0, 0);
  ledger_.Stored(Id(1));
  ledger_.Deferred(Id(1), true);
  EXPECT_EQ(Rules(), std::vector<std::string>{"an id has one kind of outcome"});
}

TEST_F(AuditLedgerTest, FindsAnIdStoredTwice) {
  ledger_.Arrived(0, 0, Id(1));
  ledger_.Selected(From(0, 1), 0, 0);
  ledger_.Stored(Id(1));
  ledger_.Stored(Id(1));
  EXPECT_EQ(Rules(), std::vector<std::string>{"an id is stored once"});
}

TEST_F(AuditLedgerTest, FindsWhatIsStoredAndNeverArrived) {
  ledger_.Stored(Id(1));
  EXPECT_TRUE(Rules().empty()) << "it may have expired";
  ledger_.Whole(true, true);
  EXPECT_EQ(Rules(), (std::vector<std::string>{"what is stored has arrived",
                                               "what is stored was selected"}));
}

TEST_F(AuditLedgerTest, FindsAnOutcomeOfAnotherImage) {
  ledger_.Arrived(0, 0, Id(1));
  ledger_.Rejected(From(0, 2), record::Reason::kBlurry);
  EXPECT_EQ(Rules(), std::vector<std::string>{"an outcome is of the image that arrived"});
}

TEST_F(AuditLedgerTest, DoesNotJudgeWhatIsOlderOrNewerThanTheLog) {
  ledger_.Raw(0, 5, 10);
  ledger_.Rejected(From(3, 1), record::Reason::kBlurry);
  ledger_.Rejected(From(12, 2), record::Reason::kBlurry);
  EXPECT_TRUE(Rules().empty());
  EXPECT_EQ(ledger_.Judge().figures.expired, 1u);
}

TEST_F(AuditLedgerTest, CountsALetterWrittenTwiceOnce) {
  ledger_.Arrived(0, 0, {});
  const Passage passage{{"raw", 0, 0}, 0, {}};
  ledger_.Died(passage, "valid/0/3", false, "undecodable");
  ledger_.Died(passage, "valid/0/3", false, "undecodable");
  EXPECT_TRUE(Rules().empty());
  EXPECT_EQ(ledger_.Judge().figures.dead, 1u);
}

TEST_F(AuditLedgerTest, TakesTheSinksLetterForTheOutcomeOfWhatWasSelected) {
  ledger_.Arrived(0, 0, Id(1));
  ledger_.Selected(From(0, 1), 0, 0);
  ledger_.StoredUntil(0, 1);
  ledger_.Died({{"raw", 0, 0}, 0, {}}, "selected/0/0", true, "blob_missing");
  EXPECT_TRUE(Rules().empty());
  EXPECT_EQ(ledger_.Judge().figures.dead, 1u);
}

TEST_F(AuditLedgerTest, LetsARecordDrivenAgainEndOtherwise) {
  ledger_.Arrived(0, 0, Id(1));
  ledger_.Redriven(From(0, 1, 1));
  EXPECT_EQ(Rules().size(), 2u) << "neither drive has an outcome";
  ledger_.Rejected(From(0, 1), record::Reason::kBlurry);
  ledger_.Selected(From(0, 1, 1), 0, 0);
  EXPECT_TRUE(Rules().empty());
  ledger_.Selected(From(0, 1, 1), 0, 1);
  EXPECT_EQ(Rules(), std::vector<std::string>{"an arrival has one outcome"});
}

TEST_F(AuditLedgerTest, CountsWhatWasDrivenAgainUntilItHasArrived) {
  ledger_.Arrived(0, 0, Id(1));
  ledger_.Rejected(From(0, 1), record::Reason::kBlurry);
  ledger_.Redriven(From(0, 1, 1));
  ledger_.Waits(From(0, 1, 1), AuditStage::kBlurrer);
  EXPECT_TRUE(Rules().empty());
  EXPECT_EQ(ledger_.Judge().figures.redriven_in_flight, 1u);
  ledger_.Selected(From(0, 1, 1), 0, 0);
  EXPECT_EQ(ledger_.Judge().figures.redriven_in_flight, 1u) << "the sink has not published it";
  ledger_.Stored(Id(1));
  EXPECT_EQ(ledger_.Judge().figures.redriven_in_flight, 0u);
}

TEST_F(AuditLedgerTest, TakesIdsOfAnyForm) {
  Passage passage{{"raw", 0, 0}, 0, RecordId("camera 7, frame 12")};
  ledger_.Arrived(0, 0, passage.id);
  ledger_.Rejected(passage, record::Reason::kBlurry);
  EXPECT_TRUE(Rules().empty());
  passage.id = RecordId("camera 7, frame 13");
  passage.origin.offset = 1;
  ledger_.Arrived(0, 1, passage.id);
  EXPECT_EQ(ledger_.Judge().figures.ids, 2u);
}

TEST_F(AuditLedgerTest, GivesWhatABetterCopyReplacedOneOutcome) {
  for (int n = 0; n < 2; ++n) {
    ledger_.Arrived(0, n, Id(n + 1));
    ledger_.Selected(From(n, n + 1), 0, n);
  }
  ledger_.Stored(Id(2));
  ledger_.Replaced(Id(1));
  ledger_.StoredUntil(0, 2);
  ledger_.Whole(true, true);
  EXPECT_TRUE(Rules().empty()) << Rules().front();
  const AuditFigures figures = ledger_.Judge().figures;
  EXPECT_EQ(figures.stored, 1u);
  EXPECT_EQ(figures.superseded, 1u);
  EXPECT_EQ(figures.stored_ids, 1u);
  EXPECT_EQ(figures.superseded_ids, 1u);
  EXPECT_EQ(figures.still_in_shards, 0u);
  EXPECT_EQ(figures.rejected + figures.in_flight + figures.missing, 0u);

  ledger_.Stored(Id(1));  // not taken out yet
  EXPECT_TRUE(Rules().empty()) << Rules().front();
  EXPECT_EQ(ledger_.Judge().figures.superseded, 1u);
  EXPECT_EQ(ledger_.Judge().figures.stored_ids, 1u);
  EXPECT_EQ(ledger_.Judge().figures.still_in_shards, 1u);
}

// Without the better copy's word it would be missing.
TEST_F(AuditLedgerTest, MissesWhatTheSinkPassedAndNothingReplaced) {
  ledger_.Arrived(0, 0, Id(1));
  ledger_.Selected(From(0, 1), 0, 0);
  ledger_.StoredUntil(0, 1);
  EXPECT_EQ(Rules(), std::vector<std::string>{"what was selected is stored"});
}

TEST_F(AuditLedgerTest, LetsAReplacedImageThatComesAgainBeTurnedAway) {
  for (int n = 0; n < 2; ++n) ledger_.Arrived(0, n, Id(n + 1));
  ledger_.Arrived(0, 2, Id(1));
  ledger_.Selected(From(0, 1), 0, 0);
  ledger_.Stored(Id(1));
  ledger_.Selected(From(1, 2), 0, 1);
  ledger_.Rejected(From(2, 1), record::Reason::kSuperseded);
  EXPECT_TRUE(Rules().empty()) << "the better copy is on its way";
  EXPECT_EQ(ledger_.Judge().figures.stored, 1u);
  ledger_.Stored(Id(2));
  ledger_.Replaced(Id(1));
  EXPECT_TRUE(Rules().empty());
  EXPECT_EQ(ledger_.Judge().figures.superseded, 1u);
  EXPECT_EQ(ledger_.Judge().figures.rejected, 1u);
  EXPECT_EQ(ledger_.Judge().figures.superseded_ids, 1u);
  EXPECT_EQ(ledger_.Judge().figures.rejected_ids, 0u);
  ledger_.Arrived(0, 3, Id(1));
  ledger_.Rejected(From(3, 1), record::Reason::kBlurry);
  EXPECT_EQ(Rules(), std::vector<std::string>{"an id has one kind of outcome"});
}

// What gave way in the reserve never was in the dataset.
TEST_F(AuditLedgerTest, CountsWhatGaveWayInTheReserveAsRejected) {
  ledger_.Arrived(0, 0, Id(1));
  ledger_.Arrived(0, 1, Id(2));
  ledger_.Arrived(0, 2, Id(3));
  Passage settled = From(0, 1);
  settled.settled = true;
  ledger_.Rejected(settled, record::Reason::kSuperseded);
  ledger_.Rejected(From(2, 3), record::Reason::kReserveFull);
  ledger_.Selected(From(1, 2), 0, 0);
  ledger_.Stored(Id(2));
  ledger_.Replaced(Id(1));
  ledger_.Replaced(Id(3));
  EXPECT_TRUE(Rules().empty());
  EXPECT_EQ(ledger_.Judge().figures.rejected, 2u);
  EXPECT_EQ(ledger_.Judge().figures.rejected_ids, 2u);
  EXPECT_EQ(ledger_.Judge().figures.superseded, 0u);
}

TEST_F(AuditLedgerTest, KeepsTheBalance) {
  for (int n = 0; n < 9; ++n) ledger_.Arrived(0, n, Id(n));
  ledger_.Rejected(From(0, 0), record::Reason::kBlurry);
  ledger_.SentToReview(From(1, 1));
  ledger_.Selected(From(2, 2), 0, 0);
  ledger_.Stored(Id(2));
  ledger_.Deferred(Id(3), true);
  ledger_.Died(From(4, 4), "valid/0/1", false, "undecodable");
  ledger_.Waits(From(5, 5), AuditStage::kDeduper);
  ledger_.Selected(From(6, 6), 0, 1);
  ledger_.Selected(From(8, 8), 0, 2);
  ledger_.Replaced(Id(8));
  const AuditFigures figures = ledger_.Judge().figures;
  EXPECT_EQ(figures.missing, 1u);
  EXPECT_EQ(figures.in_flight, 2u);
  EXPECT_EQ(figures.superseded, 1u);
  EXPECT_EQ(figures.stored + figures.superseded + figures.rejected + figures.review +
                figures.deferred + figures.dead + figures.settled_with_earlier +
                figures.in_flight + figures.missing,
            figures.arrivals);
}

}  // namespace
}  // namespace winnow::cli
