#include "libs/base/utf8.h"

#include <gtest/gtest.h>

namespace winnow {
namespace {

using std::string_literals::operator""s;

TEST(Utf8Test, AcceptsWellFormedTextUnchanged) {
  for (const std::string& text : {""s, "street"s, "a\0b"s, "Stra\xC3\x9F\x65"s, "\xE2\x82\xAC"s,
                                  "\xED\x9F\xBF"s, "\xEE\x80\x80"s, "\xF0\x9F\x93\xB7"s,
                                  "\xF4\x8F\xBF\xBF"s}) {
    EXPECT_TRUE(IsUtf8(text)) << text;
    EXPECT_EQ(ToUtf8(text), text);
  }
}

TEST(Utf8Test, RefusesOverlongSurrogateTruncatedAndStrayBytes) {
  for (const std::string& text :
       {"\x80"s, "\xC0\xAF"s, "\xC1\x81"s, "\xE0\x9F\xBF"s, "\xED\xA0\x80"s, "\xF0\x8F\xBF\xBF"s,
        "\xF4\x90\x80\x80"s, "\xF5\x80\x80\x80"s, "\xFF"s, "\xC3"s, "\xE2\x82"s, "\xF0\x9F\x93"s}) {
    EXPECT_FALSE(IsUtf8(text));
    EXPECT_TRUE(IsUtf8(ToUtf8(text)));
  }
}

TEST(Utf8Test, FindsTheFirstBadByteWhereverItIs) {
  const std::string text = "twenty-four letters here";
  EXPECT_EQ(FirstBadUtf8(text), std::string::npos);
  for (std::size_t at = 0; at < text.size(); ++at) {
    std::string bad = text;
    bad[at] = '\xFF';
    EXPECT_EQ(FirstBadUtf8(bad), at);
    EXPECT_EQ(FirstBadUtf8(text.substr(0, at) + "\xE2\x82\xAC" + text.substr(at)),
              std::string::npos);
  }
}

TEST(Utf8Test, ReplacesOnlyTheBadBytes) {
  EXPECT_EQ(ToUtf8("caf\xE9 \xC3\xA9!"), "caf\xEF\xBF\xBD \xC3\xA9!");
  EXPECT_EQ(ToUtf8("\xE2\x82"), "\xEF\xBF\xBD\xEF\xBF\xBD");
}

}  // namespace
}  // namespace winnow
