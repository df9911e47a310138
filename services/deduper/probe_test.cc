#include "services/deduper/probe.h"

#include <gtest/gtest.h>

#include "libs/testing/safe_payload.h"
#include "libs/testing/stage_driver.h"
#include "services/deduper/deduper.h"

namespace winnow::deduper {
namespace {

class DeduperProbeTest : public ::testing::Test {
 protected:
  // Tells the probe what the deduper says of such an image.
  void Offer(const std::string& id, std::uint64_t bits, int quality, double sharpness = 0.5) {
    record::ImageRecord image;
    image.id = RecordId(id);
    image.payload = record::SafePayloadForTesting::Make(id);
    image.fingerprint = record::Fingerprint{{bits, 1, 2, 3}, quality};
    image.measurements.emplace();
    image.measurements->sharpness = sharpness;
    image.measurements->width = image.measurements->height = 600;
    const record::ImageRecord judged = driver_.Process(image)->record;
    wanted_ = probe_.WantsConcluded(judged);
    if (wanted_) probe_.Concluded(judged);
  }

  bool Shows(const std::string& line) const {
    return metrics_.Text().find("winnow_dedup_" + line + "\n") != std::string::npos;
  }

  static spec::CollectionSpec KeepTheBest() {
    spec::CollectionSpec spec;
    spec.dedup.keep = spec::Keep::kBest;
    return spec;
  }

  telemetry::Metrics metrics_;
  DeduperProbe probe_{metrics_};
  bool wanted_ = false;  // what was offered last
  testing::StageDriver driver_{[] { return NewDeduper(KeepTheBest()); }};
};

TEST_F(DeduperProbeTest, CountsDistancesReplacementsAndWhatCannotBeCompared) {
  EXPECT_TRUE(Shows("replaced_total 0")) << metrics_.Text();
  EXPECT_TRUE(Shows("incomparable_total 0"));
  EXPECT_TRUE(Shows("distance_bits_count 0"));
  Offer("a", 0, 100);
  Offer("three bits away", 7, 100);
  Offer("better", 1, 100, 0.9);
  Offer("flat", 0, 49);
  EXPECT_TRUE(Shows("distance_bits_sum 3")) << metrics_.Text();
  EXPECT_TRUE(Shows("distance_bits_bucket{le=\"2\"} 0"));
  EXPECT_TRUE(Shows("distance_bits_bucket{le=\"4\"} 1"));
  EXPECT_TRUE(Shows("replaced_total 1"));
  EXPECT_TRUE(Shows("incomparable_total 1"));
}

TEST_F(DeduperProbeTest, DoesWithoutTheRecordsThatItCountsNothingOf) {
  Offer("a", 0, 100);
  EXPECT_FALSE(wanted_);
  Offer("another", ~std::uint64_t{0}, 100);
  EXPECT_FALSE(wanted_);
  Offer("three bits away", 7, 100);
  EXPECT_TRUE(wanted_);
  Offer("flat", 0, 49);
  EXPECT_TRUE(wanted_);
}

TEST_F(DeduperProbeTest, TakesRecordsThatNoStageHasSeen) {
  EXPECT_FALSE(probe_.WantsConcluded({}));
  probe_.Concluded({});
  EXPECT_TRUE(Shows("incomparable_total 0"));
}

}  // namespace
}  // namespace winnow::deduper
