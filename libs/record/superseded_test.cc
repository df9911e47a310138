#include "libs/record/superseded.h"

#include <gtest/gtest.h>

namespace winnow::record {
namespace {

ImageRecord Picture(const std::string& id, double sharpness) {
  ImageRecord record;
  record.id = RecordId(id);
  record.source.path = id + ".jpg";
  record.measurements = Measurements{};
  record.measurements->sharpness = sharpness;
  record.measurements->width = record.measurements->height = 512;
  return record;
}

TEST(SupersededVerdictTest, NamesTheBetterCopyAndBothRanks) {
  ImageRecord better = Picture("better", 0.8);
  better.history.emplace_back();
  better.history.back().time = Timestamp(std::chrono::hours(7));
  better.history.back().spec_digest = "digest";
  const StageVerdict verdict = SupersededVerdict("sink", Picture("earlier", 0.5), better);
  EXPECT_EQ(verdict.stage, "sink");
  EXPECT_EQ(verdict.disposition, Disposition::kRejected);
  EXPECT_EQ(verdict.reason, Reason::kSuperseded);
  EXPECT_EQ(verdict.detail,
            "superseded by better (better.jpg), of rank 400000, this one's is 250000");
  EXPECT_EQ(verdict.scores,
            (std::map<std::string, double>{{"rank", 250000}, {"later_rank", 400000}}));
  EXPECT_EQ(verdict.time, better.history.back().time);
  EXPECT_EQ(verdict.spec_digest, "digest");
}

}  // namespace
}  // namespace winnow::record
