#include "libs/kafka/headers.h"

#include <gtest/gtest.h>

namespace winnow::kafka {
namespace {

constexpr std::string_view kIncoming =
    "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

TEST(OriginTest, SurvivesItsText) {
  const Origin origin = {"lab.images.raw", 3, 1042};
  EXPECT_EQ(Format(origin), "lab.images.raw/3/1042");
  EXPECT_EQ(ParseOrigin(Format(origin)), origin);
}

TEST(OriginTest, RefusesTextThatIsNone) {
  for (const std::string_view text : {"", "/", "//", "images.raw", "images.raw/1", "/1/2",
                                      "images.raw/x/2", "images.raw/1/-2", "images.raw/1/2x",
                                      "a/b/1/2", "images.raw/99999999999/1"}) {
    EXPECT_EQ(ParseOrigin(text), std::nullopt) << text;
  }
}

TEST(TraceparentTest, KeepsTraceAndFlagsAndSetsItsOwnParent) {
  const std::string next = NextTraceparent(kIncoming, "validator", "seed");
  EXPECT_EQ(next.substr(0, 36), kIncoming.substr(0, 36));
  EXPECT_NE(next.substr(36, 16), kIncoming.substr(36, 16));
  EXPECT_EQ(next.substr(52), kIncoming.substr(52));
}

TEST(TraceparentTest, ARedoSendsTheSame) {
  EXPECT_EQ(NextTraceparent(kIncoming, "sink", "x"), NextTraceparent(kIncoming, "sink", "y"));
  EXPECT_NE(NextTraceparent(kIncoming, "sink", "x"), NextTraceparent(kIncoming, "deduper", "x"));
}

TEST(TraceparentTest, BeginsATraceWhereThereIsNoneToContinue) {
  for (const std::string_view bad :
       {"", "00", "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more"}) {
    EXPECT_EQ(NextTraceparent(bad, "validator", "images.raw/0/1"),
              NextTraceparent(std::nullopt, "validator", "images.raw/0/1"))
        << bad;
  }
  EXPECT_EQ(NextTraceparent(std::nullopt, "validator", "images.raw/0/1").size(), 55u);
}

TEST(TraceparentTest, ReadsALaterVersion) {
  const std::string later = "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what-the-future";
  EXPECT_EQ(NextTraceparent(later, "sink", "x").substr(3, 32), later.substr(3, 32));
}

}  // namespace
}  // namespace winnow::kafka
