#include "libs/eval/matching.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace winnow::eval {
namespace {

using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::IsEmpty;

// A comparable fingerprint with the lowest `bits` bits set.
std::optional<record::Fingerprint> WithBits(int bits, int quality = 80) {
  record::Fingerprint fingerprint;
  for (int i = 0; i < bits; ++i) fingerprint.bits[i / 64] |= std::uint64_t{1} << (i % 64);
  fingerprint.quality = quality;
  return fingerprint;
}

LabelledPicture Of(const std::string& group, const std::string& transform = "",
                   bool original = false) {
  return {group + "/" + transform, group, transform, "", original};
}

TEST(DistanceOfTest, CountsBitsOfPicturesThatMayBeCompared) {
  const spec::DedupPolicy policy;
  EXPECT_EQ(DistanceOf(WithBits(3), WithBits(10), policy), 7);
  EXPECT_EQ(DistanceOf(WithBits(3, 50), WithBits(10, 50), policy), 7);
  EXPECT_EQ(DistanceOf(WithBits(3, 49), WithBits(10), policy), std::nullopt);
  EXPECT_EQ(DistanceOf(WithBits(3), WithBits(10, 49), policy), std::nullopt);
  EXPECT_EQ(DistanceOf(std::nullopt, WithBits(10), policy), std::nullopt);
}

TEST(DistanceOfTest, LooksAtTheTurnsThePolicyCompares) {
  const auto b = WithBits(100);
  for (std::size_t at = 1; at < record::kAllTurns.size(); ++at) {
    auto a = WithBits(0);
    a->turned.assign(7, WithBits(0)->bits);
    a->turned[at - 1] = WithBits(98)->bits;
    const record::Turn turn = record::kAllTurns[at];
    const bool rotation = turn == record::Turn::kRotated90 || turn == record::Turn::kRotated180 ||
                          turn == record::Turn::kRotated270;
    const bool mirror = turn == record::Turn::kMirrored;
    spec::DedupPolicy policy;
    EXPECT_EQ(DistanceOf(a, b, policy), 100) << Name(turn);
    policy.mirrored = true;
    EXPECT_EQ(DistanceOf(a, b, policy), mirror ? 2 : 100) << Name(turn);
    policy.rotated = true;
    EXPECT_EQ(DistanceOf(a, b, policy), 2) << Name(turn);
    policy.mirrored = false;
    EXPECT_EQ(DistanceOf(a, b, policy), rotation ? 2 : 100) << Name(turn);
  }
}

TEST(DistancesTest, CountsWhatWasNotComparedAsNotFound) {
  Distances distances;
  distances.Add(0);
  distances.Add(31);
  distances.Add(32);
  distances.Add(std::nullopt);
  EXPECT_EQ(distances.pairs(), 4u);
  EXPECT_EQ(distances.not_compared(), 1u);
  EXPECT_EQ(distances.Within(31), 2u);
  EXPECT_DOUBLE_EQ(distances.ShareWithin(31), 0.5);
  EXPECT_EQ(distances.Median(), 31);
  EXPECT_EQ(distances.Largest(), 32);
}

TEST(DistancesTest, HasNoMedianOfNothing) {
  Distances distances;
  EXPECT_EQ(distances.ShareWithin(31), 1);
  distances.Add(std::nullopt);
  EXPECT_EQ(distances.Median(), std::nullopt);
  EXPECT_EQ(distances.Largest(), std::nullopt);
  EXPECT_EQ(distances.ShareWithin(kBits), 0);
}

TEST(ScoresTest, DividesWhatIsFoundIntoRightAndWrong) {
  Scores scores;
  for (const int distance : {1, 2, 40}) scores.copies.Add(distance);
  for (const int distance : {3, 90}) scores.different.Add(distance);
  EXPECT_DOUBLE_EQ(scores.Recall(31), 2.0 / 3);
  EXPECT_DOUBLE_EQ(scores.Precision(31).value(), 2.0 / 3);
  EXPECT_DOUBLE_EQ(scores.Precision(2).value(), 1);
  EXPECT_EQ(scores.Precision(0), std::nullopt) << "nothing was found, rightly or not";
}

TEST(MatchAllTest, JudgesEveryPairByItsGroups) {
  const LabelledSet set{"s", "", "", {Of("a", "x"), Of("a", "y"), Of("b", "x"), Of("a", "z")}, {}};
  const Matched matched =
      MatchAll(set, {WithBits(0), WithBits(4), WithBits(20), WithBits(60)}, {}, 10);
  EXPECT_EQ(matched.scores.copies.pairs(), 3u);
  EXPECT_EQ(matched.scores.different.pairs(), 3u);
  EXPECT_EQ(matched.scores.copies.Within(31), 1u);     // 0-4
  EXPECT_EQ(matched.scores.different.Within(31), 2u);  // 0-20, 4-20
  ASSERT_EQ(matched.wrong.size(), 1u) << "a and b are one case";
  EXPECT_EQ(matched.wrong[0].distance, 16);
  EXPECT_THAT(matched.missed, ElementsAre(Field(&PairOf::distance, 60)));
}

TEST(MatchAllTest, JudgesOnlyTheLabelledOfPairs) {
  LabelledSet set{"s", "", "", {Of(""), Of(""), Of("")}, {}};
  set.pairs[{0, 1}] = Relation::kCopies;
  set.pairs[{1, 2}] = Relation::kDifferent;
  const Matched matched = MatchAll(set, {WithBits(0), WithBits(4), WithBits(5)}, {}, 10);
  EXPECT_EQ(matched.scores.copies.pairs(), 1u);
  EXPECT_EQ(matched.scores.different.pairs(), 1u);
  EXPECT_THAT(matched.wrong, ElementsAre(Field(&PairOf::distance, 1)));
}

TEST(MatchAllTest, KeepsTheNearestWrongAndTheFarthestMissedPairs) {
  const LabelledSet set{
      "s", "", "", {Of("a", "o"), Of("b", "o"), Of("c", "o"), Of("a", "x"), Of("b", "x")}, {}};
  const Matched matched = MatchAll(
      set, {WithBits(0), WithBits(10), WithBits(30), WithBits(100), WithBits(120)}, {}, 1);
  EXPECT_THAT(matched.wrong, ElementsAre(Field(&PairOf::distance, 10)));
  EXPECT_THAT(matched.missed, ElementsAre(Field(&PairOf::distance, 110)));
}

TEST(MatchByTransformTest, ComparesOriginalsWithCopiesOfTheirsAndOfOthers) {
  const LabelledSet set{"s", "", "", {Of("a", "original", true), Of("a", "crop"), Of("a", "blur"),
                                      Of("b", "original", true), Of("b", "crop")}, {}};
  const auto transforms = MatchByTransform(
      set, {WithBits(0), WithBits(50), WithBits(2), WithBits(60), WithBits(61)}, {});
  ASSERT_EQ(transforms.size(), 2u);
  EXPECT_EQ(transforms[0].transform, "crop");
  EXPECT_EQ(transforms[0].scores.copies.pairs(), 2u);
  EXPECT_EQ(transforms[0].scores.copies.Within(31), 1u);     // b
  EXPECT_EQ(transforms[0].scores.different.Within(31), 1u);  // b's original, a's crop
  EXPECT_EQ(transforms[1].transform, "blur");
  EXPECT_EQ(transforms[1].scores.copies.pairs(), 1u);
  EXPECT_EQ(transforms[1].scores.different.pairs(), 1u);
}

TEST(MatchByTransformTest, IsEmptyWhereNoTransformIsNamed) {
  const LabelledSet set{"s", "", "", {Of("a", "", true), Of("a")}, {}};
  EXPECT_THAT(MatchByTransform(set, {WithBits(0), WithBits(1)}, {}), IsEmpty());
}

TEST(ScoreStreamTest, TellsRightDropsFromWrongOnesAndFromMissedOnes) {
  using Kind = Fate::Kind;
  const LabelledSet set{
      "s", "", "", {Of("a"), Of("b"), Of("a"), Of("a"), Of("b"), Of("c"), Of("c")}, {}};
  const StreamScores scores = ScoreStream(
      set, {{Kind::kKept}, {Kind::kKept}, {Kind::kDropped, 0}, {Kind::kKept}, {Kind::kDropped, 0},
            {Kind::kUnread}, {Kind::kKept}});
  EXPECT_EQ(scores.received, 7u);
  EXPECT_EQ(scores.kept, 4u);
  EXPECT_EQ(scores.unread, 1u);
  EXPECT_EQ(scores.dropped_right, 1u);
  EXPECT_EQ(scores.dropped_wrong, 1u);
  EXPECT_EQ(scores.missed, 1u) << "the third a; c was never read before";
}

TEST(ScoreStreamTest, CallsADropUnlabelledWhereNobodySaid) {
  LabelledSet set{"s", "", "", {Of(""), Of(""), Of("")}, {}};
  set.pairs[{0, 1}] = Relation::kCopies;
  const StreamScores scores = ScoreStream(
      set, {{Fate::Kind::kKept}, {Fate::Kind::kDropped, 0}, {Fate::Kind::kDropped, 0}});
  EXPECT_EQ(scores.dropped_right, 1u);
  EXPECT_EQ(scores.dropped_unlabelled, 1u);
  EXPECT_EQ(scores.dropped_wrong, 0u);
}

}  // namespace
}  // namespace winnow::eval
