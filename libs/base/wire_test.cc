#include "libs/base/wire.h"

#include <gtest/gtest.h>

#include <string>

namespace winnow {
namespace {

TEST(WireTest, ReadsBackWhatWasWritten) {
  const std::string bytes = WireWriter().U8(200).U32(1u << 31).U64(~0ull).Double(-0.25)
                                .Text(std::string("a\0b", 3)).Text("").Take();
  WireReader reader(bytes);
  EXPECT_EQ(reader.U8(), 200);
  EXPECT_EQ(reader.U32(), 1u << 31);
  EXPECT_EQ(reader.U64(), ~0ull);
  EXPECT_EQ(reader.Double(), -0.25);
  EXPECT_EQ(reader.Text(), std::string("a\0b", 3));
  EXPECT_EQ(reader.Text(), "");
  EXPECT_TRUE(reader.Done());
}

TEST(WireTest, SortsIntegersByNumber) {
  EXPECT_LT(WireWriter().U64(255).Take(), WireWriter().U64(256).Take());
}

TEST(WireTest, NoticesEveryTruncationAndEveryExtraByte) {
  const std::string bytes = WireWriter().U32(7).Text("stratum").Take();
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    WireReader reader(std::string_view(bytes).substr(0, size));
    reader.U32();
    reader.Text();
    EXPECT_FALSE(reader.Done()) << size;
  }
  const std::string longer = bytes + "x";
  WireReader reader(longer);
  reader.U32();
  reader.Text();
  EXPECT_FALSE(reader.Done());
}

}  // namespace
}  // namespace winnow
