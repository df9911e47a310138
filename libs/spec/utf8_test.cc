#include "libs/spec/utf8.h"

#include <gtest/gtest.h>

#include <string_view>

namespace winnow::spec {
namespace {

using namespace std::string_view_literals;

constexpr std::size_t kNone = std::string_view::npos;

TEST(FirstBadByteTest, AcceptsTextOfEveryLength) {
  EXPECT_EQ(FirstBadByte(""), kNone);
  EXPECT_EQ(FirstBadByte("plain\n\ttext"), kNone);
  EXPECT_EQ(FirstBadByte("gr\xC3\xBC\xC3\x9F \xE2\x82\xAC \xF0\x9F\x93\xB7"), kNone);
  EXPECT_EQ(FirstBadByte("\xED\x9F\xBF\xEE\x80\x80\xF4\x8F\xBF\xBF"), kNone);
}

TEST(FirstBadByteTest, PointsAtTheFirstByteThatIsNotText) {
  EXPECT_EQ(FirstBadByte("ab\0c"sv), 2u);
  EXPECT_EQ(FirstBadByte("a\xFF"), 1u);
  EXPECT_EQ(FirstBadByte("\x80"), 0u);
  EXPECT_EQ(FirstBadByte("a\xC3"), 1u);
  EXPECT_EQ(FirstBadByte("\xF0\x9F\x93"), 0u);
}

TEST(FirstBadByteTest, RefusesOverlongFormsSurrogatesAndWhatIsBeyondUnicode) {
  EXPECT_EQ(FirstBadByte("\xC0\xAF"), 0u);
  EXPECT_EQ(FirstBadByte("\xE0\x9F\xBF"), 0u);
  EXPECT_EQ(FirstBadByte("\xED\xA0\x80"), 0u);
  EXPECT_EQ(FirstBadByte("\xF0\x8F\xBF\xBF"), 0u);
  EXPECT_EQ(FirstBadByte("\xF4\x90\x80\x80"), 0u);
}

TEST(HasControlCharacterTest, SeesControlsOnly) {
  EXPECT_FALSE(HasControlCharacter("caf\xC3\xA9 au lait"));
  EXPECT_TRUE(HasControlCharacter("a\nb"));
  EXPECT_TRUE(HasControlCharacter("a\x7F"));
}

}  // namespace
}  // namespace winnow::spec
