// A report on an invented run, for the tests of this room and for looking at it in a browser.
#pragma once

#include <cmath>
#include <string>

#include "libs/dataset/report.h"
#include "libs/testing/images.h"

namespace winnow::dataset {

inline Thumbnail Picture(std::uint32_t seed, std::string caption, std::string note = "") {
  winnow::testing::MakeImageOptions options;
  options.width = 240;
  options.height = 180;
  options.seed = seed;
  return {winnow::testing::MakeJpeg(options), std::move(caption), std::move(note)};
}

inline Histogram Bell(std::string title, std::string unit, double upper, double centre) {
  Histogram histogram;
  histogram.title = std::move(title);
  histogram.unit = std::move(unit);
  histogram.upper = upper;
  for (int i = 0; i < 40; ++i) {
    const double x = (i + 0.5) / 40 - centre;
    histogram.counts.push_back(static_cast<std::uint64_t>(900 * std::exp(-x * x * 22)));
  }
  return histogram;
}

inline Manifest InventedManifest() {
  Manifest manifest;
  manifest.collection = "street-objects";
  manifest.spec_digest = std::string(60, 'a') + "4f1c";
  manifest.models = {{"centerface", std::string(60, 'b') + "09e2"}};
  manifest.totals = {12'480, 8'214, 2'902, 41, 1'323};
  manifest.class_counts = {{"bicycle", 1'480}, {"bus", 312}, {"car", 4'000}, {"person", 2'422}};
  manifest.splits = {{"train", 7'400}, {"val", 814}};
  manifest.shards = {{"street-objects-train-000000.tar", "train", 5'000, 1'073'700'000,
                      std::string(64, 'c')},
                     {"street-objects-train-000001.tar", "train", 2'400, 512'300'000,
                      std::string(64, 'd')},
                     {"street-objects-val-000000.tar", "val", 814, 171'200'000,
                      std::string(64, 'e')}};
  return manifest;
}

inline ReportInput InventedReport() {
  using record::Disposition;
  using record::Reason;
  ReportInput input;
  input.objective =
      "Objects at urban crossings, in all weather and light, to train a detector that runs at the "
      "kerb.";
  input.version = "0.1.0";
  input.manifest = InventedManifest();
  input.target_counts = {{"bicycle", 2'000}, {"bus", 500}, {"car", 4'000}};
  input.stages = {{"validator", 12'480, 11'236, 1'244, 0, 0},
                  {"privacy-blurrer", 11'236, 11'190, 5, 41, 0},
                  {"deduper", 11'190, 9'641, 1'549, 0, 0},
                  {"balancer", 9'641, 8'214, 104, 0, 1'323},
                  {"sink", 8'214, 8'214, 0, 0, 0}};
  input.reasons = {
      {Reason::kBlurry, Disposition::kRejected, "validator", 844,
       {Picture(1, "cam-3/0412.jpg", "sharpness 0.12, minimum 0.30"),
        Picture(2, "cam-3/0413.jpg", "sharpness 0.19, minimum 0.30"), {"", "cam-9/1.jpg", ""}}},
      {Reason::kTooDark, Disposition::kRejected, "validator", 400, {Picture(3, "cam-1/night.jpg")}},
      {Reason::kNearDuplicate, Disposition::kRejected, "deduper", 1'549, {}},
      {Reason::kResidualFace, Disposition::kReview, "privacy-blurrer", 41, {}},
      {Reason::kOverTargetShare, Disposition::kDeferred, "balancer", 1'323, {}}};
  input.axes = {{"lighting", 0.05,
                 {{"dark", 320, 310, 0.1}, {"dim", 1'900, 1'800, 0.25},
                  {"normal", 6'900, 5'600, 0.6}, {"bright", 521, 504, -1}}},
                {"class", 0.05, {{"car", 6'300, 4'000, 0.5}, {"person", 2'900, 2'422, 0.3}}}};
  input.duplicates = 1'549;
  input.superseded = 62;
  input.pairs = {{Picture(5, "cam-1/0007.jpg"), Picture(5, "cam-1/copy of 0007.jpg"), 0, true},
                 {Picture(6, "feed/881.png"), Picture(6, "feed/881-small.png"), 14, false}};
  input.histograms = {Bell("Sharpness", "0 blurred to 1 sharp", 1, 0.55),
                      Bell("Brightness", "99th percentile, 0 to 1", 1, 0.8),
                      Bell("Noise", "sigma in grey levels", 20, 0.2),
                      Bell("Information", "bits of entropy", 8, 0.85)};
  input.histograms[0].has_threshold = true;
  input.histograms[0].threshold = 0.3;
  input.histograms[0].threshold_label = "minimum 0.30";
  input.histograms[2].has_threshold = true;
  input.histograms[2].threshold = 12;
  input.histograms[2].threshold_label = "maximum 12";
  input.privacy = {11'236, 3'012, 7'744, 41, 0.031, {{"gps", 5'210}, {"thumbnail", 9'004}}};
  for (std::uint32_t seed = 10; seed < 18; ++seed) {
    input.stored_examples.push_back(Picture(seed, "cam-2/" + std::to_string(seed) + ".jpg",
                                            seed % 3 == 0 ? "2 faces redacted" : ""));
  }
  return input;
}

}  // namespace winnow::dataset
