#include "services/sink/probe.h"

#include <gtest/gtest.h>

namespace winnow::sink {
namespace {

using record::Disposition;

class SinkProbeTest : public testing::Test {
 protected:
  SinkProbeTest() {
    spec_.collection = CollectionId("street");
    spec_.objective.target_counts = {{"bus", 4}, {"car", 10}};
  }

  static record::ImageRecord Stored(const std::vector<std::string>& labels) {
    record::ImageRecord record;
    record.history.emplace_back();
    record.history.back().disposition = Disposition::kStored;
    for (const std::string& label : labels) record.annotations.emplace_back().label = label;
    return record;
  }

  bool Shows(const std::string& name, const std::string& value) const {
    const std::string line = "winnow_collection_progress_ratio{class=\"" + name +
                             "\",collection=\"street\"} " + value + "\n";
    return metrics_.Text().find(line) != std::string::npos;
  }

  spec::CollectionSpec spec_;
  telemetry::Metrics metrics_;
};

TEST_F(SinkProbeTest, BeginsWithWhatIsPublished) {
  SinkProbe probe(spec_, {{"bus", 3}, {"tram", 7}}, metrics_);
  EXPECT_TRUE(Shows("bus", "0.75")) << metrics_.Text();
  EXPECT_TRUE(Shows("car", "0"));
  EXPECT_EQ(metrics_.Text().find("tram"), std::string::npos) << "only configured classes";
}

TEST_F(SinkProbeTest, CountsAnImageOncePerClass) {
  SinkProbe probe(spec_, {}, metrics_);
  probe.Concluded(Stored({"car", "car", "bus", "unheard-of"}));
  EXPECT_TRUE(Shows("car", "0.1")) << metrics_.Text();
  EXPECT_TRUE(Shows("bus", "0.25"));
  EXPECT_EQ(metrics_.Text().find("unheard-of"), std::string::npos);
}

TEST_F(SinkProbeTest, CountsOnlyWhatWasStored) {
  SinkProbe probe(spec_, {}, metrics_);
  record::ImageRecord rejected = Stored({"car"});
  rejected.history.back().disposition = Disposition::kRejected;
  probe.Concluded(rejected);
  probe.Concluded({});
  EXPECT_TRUE(Shows("car", "0"));
}

TEST_F(SinkProbeTest, TakesBackWhatGaveWayToABetterCopy) {
  SinkProbe probe(spec_, {{"car", 3}, {"bus", 1}}, metrics_);
  probe.TookOut({.records = 2, .class_counts = {{"car", 2}, {"bus", 1}, {"unheard-of", 2}}});
  EXPECT_TRUE(Shows("car", "0.1")) << metrics_.Text();
  EXPECT_TRUE(Shows("bus", "0"));
  EXPECT_NE(metrics_.Text().find("winnow_sink_superseded_total 2\n"), std::string::npos);
}

}  // namespace
}  // namespace winnow::sink
