#include "libs/telemetry/metrics.h"

#include <gtest/gtest.h>

#include "libs/telemetry/process_figures.h"

namespace winnow::telemetry {
namespace {

TEST(MetricsTest, TellsWhatWasCounted) {
  Metrics metrics;
  Counter counter = metrics.AddCounters("things_total", "Things").At({{"kind", "good"}});
  counter.Add(2);
  counter.Add();
  EXPECT_EQ(counter.Value(), 3);
  const std::string text = metrics.Text();
  EXPECT_NE(text.find("# HELP things_total Things\n# TYPE things_total counter\n"
                      "things_total{kind=\"good\"} 3\n"),
            std::string::npos)
      << text;
}

TEST(MetricsTest, ForgetsARemovedSeriesAndCanMakeItAgain) {
  Metrics metrics;
  GaugeFamily lag = metrics.AddGauges("lag", "Lag");
  lag.At({{"partition", "0"}}).Set(5);
  lag.At({{"partition", "1"}}).Set(6);
  lag.Remove({{"partition", "0"}});
  EXPECT_EQ(metrics.Text().find("partition=\"0\""), std::string::npos);
  EXPECT_NE(metrics.Text().find("lag{partition=\"1\"} 6\n"), std::string::npos);
  lag.Remove({{"partition", "7"}});
  lag.At({{"partition", "0"}}).Set(1);
  EXPECT_NE(metrics.Text().find("lag{partition=\"0\"} 1\n"), std::string::npos);
}

TEST(MetricsTest, PutsObservationsIntoBuckets) {
  Metrics metrics;
  Histogram histogram = metrics.AddHistograms("seconds", "Time", {0.1, 1}).At({});
  histogram.Observe(0.05);
  histogram.Observe(0.5);
  histogram.Observe(5);
  const std::string text = metrics.Text();
  EXPECT_NE(text.find("seconds_bucket{le=\"0.1\"} 1\n"), std::string::npos) << text;
  EXPECT_NE(text.find("seconds_bucket{le=\"1\"} 2\n"), std::string::npos);
  EXPECT_NE(text.find("seconds_bucket{le=\"+Inf\"} 3\n"), std::string::npos);
}

TEST(MetricsTest, AsksForFiguresWhenItIsAsked) {
  Metrics metrics;
  Gauge gauge = metrics.AddGauges("asked", "Asked").At({});
  int asked = 0;
  metrics.BeforeText([&] { gauge.Set(++asked); });
  EXPECT_EQ(asked, 0);
  EXPECT_NE(metrics.Text().find("\nasked 1\n"), std::string::npos);
  EXPECT_NE(metrics.Text().find("\nasked 2\n"), std::string::npos);
}

TEST(MetricsTest, EscapesLabelValues) {
  Metrics metrics;
  metrics.AddGauges("g", "G").At({{"class", "a\"b\\c\nd"}}).Set(1);
  EXPECT_NE(metrics.Text().find("g{class=\"a\\\"b\\\\c\\nd\"} 1\n"), std::string::npos)
      << metrics.Text();
}

TEST(ProcessFiguresTest, TellsOfThisProcess) {
  const ProcessFigures figures = ReadProcessFigures();
  EXPECT_GT(figures.cpu_seconds, 0);
  EXPECT_GT(figures.resident_bytes, 1e5);
  EXPECT_GE(figures.open_files, 3);
  EXPECT_GT(figures.max_files, figures.open_files);
  const auto now = std::chrono::duration<double>(
                       std::chrono::system_clock::now().time_since_epoch()).count();
  EXPECT_NEAR(figures.started_at_seconds, now, 600);
  for (const char* name : {"process_cpu_seconds_total ", "process_resident_memory_bytes ",
                           "process_open_fds ", "process_start_time_seconds "}) {
    EXPECT_NE(Metrics().Text().find(std::string("\n") + name), std::string::npos) << name;
  }
}

}  // namespace
}  // namespace winnow::telemetry
