#include "libs/spec/scalar.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>

namespace winnow::spec {
namespace {

using ::testing::HasSubstr;

TEST(ParseWholeTest, ReadsDigitsWithSignAndSeparators) {
  EXPECT_EQ(ParseWhole("0"), 0);
  EXPECT_EQ(ParseWhole("10_000"), 10'000);
  EXPECT_EQ(ParseWhole("+7"), 7);
  EXPECT_EQ(ParseWhole("-3"), -3);
  EXPECT_EQ(ParseWhole("1e3"), 1000);
}

TEST(ParseWholeTest, RefusesWhatIsNoWholeNumber) {
  for (const char* text : {"", " ", "ten", "10k", "1_", "_1", "1__0", "0x10", "1 000", "nan", "inf",
                           "--1", "1e999", "+-1"}) {
    EXPECT_FALSE(ParseWhole(text)) << text;
  }
}

TEST(ParseWholeTest, NamesTheNearestWholeNumber) {
  EXPECT_EQ(ParseWhole("3.7").error(), "is not a whole number: write 4");
}

TEST(ParseWholeTest, RefusesNumbersADoubleCannotHold) {
  EXPECT_FALSE(ParseWhole("18446744073709551615"));
  EXPECT_FALSE(ParseWhole("-99999999999999999999999"));
}

TEST(ParseNumberTest, ReadsDecimalsOnly) {
  EXPECT_EQ(ParseNumber("0.3"), 0.3);
  EXPECT_EQ(ParseNumber("1e-3"), 0.001);
  EXPECT_EQ(ParseNumber(".5"), 0.5);
  for (const char* text : {"", "infinity", "NaN", "0.3.1", "1e", "abc", "0x1p3"}) {
    EXPECT_FALSE(ParseNumber(text)) << text;
  }
}

TEST(ParseNumberTest, TranslatesPercentAndDecimalComma) {
  EXPECT_THAT(ParseNumber("30%").error(), HasSubstr("write 0.3"));
  EXPECT_THAT(ParseNumber("3,5").error(), HasSubstr("write 3.5"));
}

TEST(ParseNumberTest, TakesNegativeZeroAsZero) {
  EXPECT_EQ(FormatNumber(*ParseNumber("-0.0")), FormatNumber(0));
}

TEST(ParseBytesTest, ReadsBothFamiliesOfUnits) {
  EXPECT_EQ(ParseBytes("4096"), 4096);
  EXPECT_EQ(ParseBytes("12B"), 12);
  EXPECT_EQ(ParseBytes("900kB"), 900'000);
  EXPECT_EQ(ParseBytes("64MiB"), 64 * 1024 * 1024);
  EXPECT_EQ(ParseBytes("1 GiB"), 1024 * 1024 * 1024);
  EXPECT_EQ(ParseBytes("1.5 GB"), 1'500'000'000);
  EXPECT_EQ(ParseBytes("2TiB"), 2'199'023'255'552);
}

TEST(ParseBytesTest, AsksWhichFamilyIsMeant) {
  EXPECT_THAT(ParseBytes("64M").error(), HasSubstr("write 64MiB or 64MB"));
  EXPECT_THAT(ParseBytes("8k").error(), HasSubstr("write 8KiB or 8kB"));
}

TEST(ParseBytesTest, NamesTheUnitAsItIsSpelt) {
  EXPECT_THAT(ParseBytes("64mib").error(), HasSubstr("write 64MiB"));
  EXPECT_THAT(ParseBytes("64 KB").error(), HasSubstr("write 64kB"));
  EXPECT_THAT(ParseBytes("5 parsecs").error(), HasSubstr("unknown unit"));
}

TEST(ParseBytesTest, RefusesFractionsOfAByteAndNonsense) {
  EXPECT_FALSE(ParseBytes("0.5B"));
  EXPECT_FALSE(ParseBytes("MiB"));
  EXPECT_FALSE(ParseBytes(""));
  EXPECT_FALSE(ParseBytes("99999999TiB"));
}

TEST(ParseSecondsTest, ReadsUnits) {
  EXPECT_EQ(ParseSeconds("10"), 10);
  EXPECT_EQ(ParseSeconds("10s"), 10);
  EXPECT_EQ(ParseSeconds("500ms"), 0.5);
  EXPECT_EQ(ParseSeconds("2 min"), 120);
  EXPECT_EQ(ParseSeconds("1h"), 3600);
  EXPECT_THAT(ParseSeconds("10 sec").error(), HasSubstr("as in 10s"));
  EXPECT_FALSE(ParseSeconds("soon"));
}

TEST(ParseBoolTest, ReadsTrueAndFalseOnly) {
  EXPECT_EQ(ParseBool("true"), true);
  EXPECT_EQ(ParseBool("False"), false);
  EXPECT_THAT(ParseBool("yes").error(), HasSubstr("write true"));
  EXPECT_THAT(ParseBool("OFF").error(), HasSubstr("write false"));
  EXPECT_FALSE(ParseBool("maybe"));
}

TEST(FormatTest, IsReadBackAsTheSameValue) {
  for (const std::uint64_t bytes :
       {0ull, 1ull, 1000ull, 1024ull, 1536ull, 1ull << 30, 5ull << 40}) {
    EXPECT_EQ(ParseBytes(FormatBytes(bytes)), static_cast<std::int64_t>(bytes)) << bytes;
  }
  for (const double value : {0.0, 0.1, 1.0 / 3, 1e-7, 123456.75, 1e12}) {
    EXPECT_EQ(ParseNumber(FormatNumber(value)), value);
    EXPECT_EQ(ParseSeconds(FormatSeconds(value)), value);
  }
  EXPECT_EQ(FormatBytes(64ull << 20), "64MiB");
}

}  // namespace
}  // namespace winnow::spec
