#include "libs/record/reason.h"

#include <gtest/gtest.h>

#include <cctype>
#include <set>
#include <string>

namespace winnow::record {
namespace {

TEST(ReasonTest, NamesAreUniqueLowerSnakeCaseAndRoundTrip) {
  std::set<std::string_view> names;
  for (const Reason reason : kAllReasons) {
    const std::string_view name = Name(reason);
    EXPECT_TRUE(names.insert(name).second) << name;
    EXPECT_EQ(ReasonFromName(name), reason) << name;
    for (const char c : name) EXPECT_TRUE(std::islower(c) != 0 || c == '_') << name;
  }
  EXPECT_EQ(Name(Reason::kNone), "none");
}

TEST(ReasonTest, KnowsNoOtherNames) {
  for (const std::string_view name : {"", "unknown", "Near_Duplicate", "near_duplicate "}) {
    EXPECT_EQ(ReasonFromName(name), std::nullopt) << name;
  }
}

TEST(ReasonTest, ListsEveryReasonOnceInOrder) {
  for (std::size_t i = 0; i < kAllReasons.size(); ++i) {
    EXPECT_EQ(static_cast<std::size_t>(kAllReasons[i]), i);
  }
  // One past the end is nobody's: a reason added without listing it fails here.
  EXPECT_EQ(Name(static_cast<Reason>(kAllReasons.size())), "unknown");
  EXPECT_EQ(Explain(static_cast<Reason>(kAllReasons.size())), "");
}

TEST(ReasonTest, ExplainsEveryReasonInOneSentence) {
  std::set<std::string_view> sentences;
  for (const Reason reason : kAllReasons) {
    const std::string_view sentence = Explain(reason);
    EXPECT_TRUE(sentences.insert(sentence).second) << Name(reason);
    ASSERT_GT(sentence.size(), 10u) << Name(reason);
    EXPECT_EQ(sentence.back(), '.') << Name(reason);
    EXPECT_EQ(sentence.find('\n'), std::string_view::npos) << Name(reason);
  }
}

TEST(DispositionTest, ListsEveryDispositionOnceInOrderWithItsOwnName) {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < kAllDispositions.size(); ++i) {
    EXPECT_EQ(static_cast<std::size_t>(kAllDispositions[i]), i);
    EXPECT_TRUE(names.insert(Name(kAllDispositions[i])).second);
  }
  EXPECT_EQ(Name(static_cast<Disposition>(kAllDispositions.size())), "unknown");
}

}  // namespace
}  // namespace winnow::record
