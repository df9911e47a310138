#include "services/winnow/status_board.h"

#include <gmock/gmock.h>

#include <sstream>

namespace winnow::cli {
namespace {

using testing::HasSubstr;

StageRow Row() {
  StageRow row;
  row.stage = "privacy-blurrer";
  row.instances = 2;
  row.assigned = 12;
  row.partitions = 12;
  return row;
}

std::string TextOf(const StageRow& row) { return BoardText({"title", {row}, {}, {}}); }

TEST(StatusBoardTest, TellsTheStateOfAStage) {
  StageRow row = Row();
  EXPECT_THAT(TextOf(row), HasSubstr("caught up"));
  row.lag = 1;
  EXPECT_THAT(TextOf(row), HasSubstr("working"));
  row.assigned = 11;
  EXPECT_THAT(TextOf(row), HasSubstr("partitions unassigned"));
  row.figures = StageFigures{};
  row.figures->answering = 2;
  row.figures->ready = 1;
  EXPECT_THAT(TextOf(row), HasSubstr("1 of 2 ready"));
  row.figures->restore_remaining = 123'456;
  EXPECT_THAT(TextOf(row), HasSubstr("restoring, 123k left"));
  row.instances = 0;
  EXPECT_THAT(TextOf(row), HasSubstr("nobody runs it"));
}

TEST(StatusBoardTest, FitsAHundredColumnsWithTheLargestFigures) {
  StageRow row = Row();
  row.instances = 999;
  row.assigned = row.partitions = 10'000;
  row.lag = 999'999'999'999;
  row.in_rate = row.out_rate = 999'999'999;
  row.figures = StageFigures{};
  for (const char* outcome : {"forwarded", "stored", "rejected", "deferred", "review", "dead"}) {
    row.figures->outcomes[outcome] = row.figures->settled[outcome] = 123'456'789'012;
  }
  row.figures->restore_remaining = 1e12;
  row.figures->in_flight_bytes = 99'999e6;
  const StatusBoard board = {"title", {row}, {{"rejected", 999'999'999'999, true, 9e9}}, {}};
  std::istringstream lines(BoardText(board));
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 100u) << line;
}

TEST(StatusBoardTest, SaysThatOffsetsAreAnUpperBound) {
  const StatusBoard board = {"title",
                             {},
                             {{"rejected", 1'234, true, 0.5}, {"in the reserve", 7, false, {}}},
                             {"http://a:1"}};
  const std::string text = BoardText(board);
  EXPECT_THAT(text, HasSubstr("<= 1,234"));
  EXPECT_THAT(text, HasSubstr("0.5/s"));
  EXPECT_THAT(text, HasSubstr("no answer from http://a:1"));
}

TEST(StatusBoardTest, NamesWhatKeepsAPipelineFromWorking) {
  StageRow row = Row();
  row.figures = StageFigures{};
  row.figures->answering = row.figures->ready = 1;
  EXPECT_TRUE(Unready({"title", {row}, {}, {}}).empty());
  EXPECT_THAT(Unready({"title", {row}, {}, {"http://a:1"}}),
              testing::ElementsAre(HasSubstr("http://a:1 does not answer")));
  row.figures->ready = 0;
  EXPECT_THAT(Unready({"title", {row}, {}, {}}),
              testing::ElementsAre(HasSubstr("is not ready")));
  row.figures.reset();
  EXPECT_THAT(Unready({"title", {row}, {}, {}}),
              testing::ElementsAre(HasSubstr("was not asked")));
}

}  // namespace
}  // namespace winnow::cli
