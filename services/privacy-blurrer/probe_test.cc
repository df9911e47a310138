#include "services/privacy-blurrer/probe.h"

#include <gtest/gtest.h>

namespace winnow::privacy {
namespace {

using record::Disposition;
using record::Reason;

record::ImageRecord Judged(Disposition disposition, Reason reason,
                           const std::vector<std::string>& kinds) {
  record::ImageRecord record;
  record.history.emplace_back();
  record.history.back().disposition = disposition;
  record.history.back().reason = reason;
  record.redaction.emplace();
  for (const std::string& kind : kinds) record.redaction->regions.emplace_back().kind = kind;
  return record;
}

class BlurrerProbeTest : public testing::Test {
 protected:
  bool Shows(const std::string& line) const {
    return ("\n" + metrics_.Text()).find("\n" + line + "\n") != std::string::npos;
  }

  telemetry::Metrics metrics_;
  std::atomic<int> detectors_ = 1;
  BlurrerProbe probe_{metrics_, detectors_};
};

TEST_F(BlurrerProbeTest, BeginsAtZero) {
  EXPECT_TRUE(Shows("winnow_privacy_residual_ratio 0")) << metrics_.Text();
  EXPECT_TRUE(Shows("winnow_redacted_regions_total{kind=\"face\"} 0"));
  EXPECT_TRUE(Shows("winnow_redacted_regions_total{kind=\"plate\"} 0"));
}

TEST_F(BlurrerProbeTest, TellsWhetherItsDetectorsAreLoaded) {
  EXPECT_TRUE(Shows("winnow_detectors_loaded{stage=\"privacy-blurrer\"} 1")) << metrics_.Text();
  detectors_ = 0;
  EXPECT_TRUE(Shows("winnow_detectors_loaded{stage=\"privacy-blurrer\"} 0"));
}

TEST_F(BlurrerProbeTest, CountsRegionsOfImagesPassedOn) {
  probe_.Concluded(Judged(Disposition::kForwarded, Reason::kNone, {"face", "plate", "face", "x"}));
  EXPECT_TRUE(Shows("winnow_redacted_regions_total{kind=\"face\"} 2")) << metrics_.Text();
  EXPECT_TRUE(Shows("winnow_redacted_regions_total{kind=\"plate\"} 1"));
}

TEST_F(BlurrerProbeTest, TellsTheShareThatStillShowedAFace) {
  probe_.Concluded(Judged(Disposition::kForwarded, Reason::kNone, {"face"}));
  probe_.Concluded(Judged(Disposition::kForwarded, Reason::kNone, {"face"}));
  probe_.Concluded(Judged(Disposition::kForwarded, Reason::kNone, {"face"}));
  probe_.Concluded(Judged(Disposition::kReview, Reason::kResidualFace, {"face"}));
  EXPECT_TRUE(Shows("winnow_privacy_residual_ratio 0.25")) << metrics_.Text();
  EXPECT_TRUE(Shows("winnow_redacted_regions_total{kind=\"face\"} 3"));
}

TEST_F(BlurrerProbeTest, LeavesOutImagesThatWereNotRedacted) {
  probe_.Concluded(Judged(Disposition::kReview, Reason::kResidualFace, {"face"}));
  probe_.Concluded(Judged(Disposition::kForwarded, Reason::kNone, {}));
  probe_.Concluded(Judged(Disposition::kRejected, Reason::kMostlyRedacted, {"face"}));
  probe_.Concluded({});
  EXPECT_TRUE(Shows("winnow_privacy_residual_ratio 1")) << metrics_.Text();
}

}  // namespace
}  // namespace winnow::privacy
