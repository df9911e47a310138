#include <gtest/gtest.h>

#include "libs/base/bytes.h"
#include "libs/base/digest.h"
#include "libs/base/ids.h"
#include "libs/base/result.h"

namespace winnow {
namespace {

Result<int> Half(int value) {
  if (value % 2 != 0) return InputError("odd");
  return value / 2;
}

Result<int> Quarter(int value) {
  WINNOW_ASSIGN_OR_RETURN(const int half, Half(value));
  return Half(half);
}

Status CheckQuarter(int value) {
  WINNOW_RETURN_IF_ERROR(Quarter(value));
  return {};
}

TEST(ResultTest, CarriesTheFirstErrorOutOfNestedCalls) {
  EXPECT_EQ(Quarter(12).value(), 3);
  ASSERT_FALSE(Quarter(6));
  EXPECT_EQ(Quarter(6).error().message, "odd");
  EXPECT_TRUE(CheckQuarter(8));
  EXPECT_EQ(CheckQuarter(7).error().code, ErrorCode::kInput);
}

TEST(DigestTest, MatchesTheFipsExample) {
  EXPECT_EQ(ToHex(Sha256("abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(DigestTest, GivesTheSameDigestInPieces) {
  Sha256Hasher hasher;
  hasher.Update("a");
  hasher.Update("bc");
  EXPECT_EQ(hasher.Finish(), Sha256("abc"));
}

TEST(SharedBytesTest, SharesOneBufferBetweenCopies) {
  const SharedBytes original(std::string("pixels"));
  const SharedBytes copy = original;  // NOLINT(performance-unnecessary-copy-initialization)
  EXPECT_EQ(copy.view().data(), original.view().data());
  EXPECT_TRUE(SharedBytes().empty());
}

TEST(StrongIdTest, ComparesByValue) {
  EXPECT_EQ(RecordId("a"), RecordId("a"));
  EXPECT_LT(RecordId("a"), RecordId("b"));
}

}  // namespace
}  // namespace winnow
