#include "libs/dataset/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "libs/dataset/report_html.h"
#include "libs/dataset/report_test_input.h"
#include "libs/base/utf8.h"

namespace winnow::dataset {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(ReportTest, StatesTheFiguresAndThatTheyAddUp) {
  const std::string html = RenderReport(InventedReport());
  EXPECT_THAT(html, HasSubstr("12,480 received = 8,214 stored + 2,902 rejected + 41 to review + "
                              "1,323 deferred"));
  EXPECT_THAT(html, HasSubstr("Near duplicate"));
  EXPECT_THAT(html, HasSubstr("14 of 256 bits differ"));
  EXPECT_THAT(html, HasSubstr("street-objects-val-000000.tar"));
}

TEST(ReportTest, SaysSoWhenTheFiguresDoNotAddUp) {
  ReportInput input = InventedReport();
  input.manifest.totals.stored -= 1;
  const std::string html = RenderReport(input);
  EXPECT_THAT(html, HasSubstr("do not add up"));
  EXPECT_THAT(html, Not(HasSubstr("Every image is accounted for")));
}

TEST(ReportTest, TellsDroppedOnArrivalFromGivenUpLater) {
  ReportInput input = InventedReport();
  EXPECT_THAT(RenderReport(input),
              HasSubstr("1,549 images were dropped because the same picture had come before. 62 "
                        "images gave way to a better copy"));
  input.superseded = 0;
  EXPECT_THAT(RenderReport(input), Not(HasSubstr("better copy")));
}

TEST(ReportTest, IsTheSameForTheSameInput) {
  EXPECT_EQ(RenderReport(InventedReport()), RenderReport(InventedReport()));
}

TEST(ReportTest, NeedsNothingFromOutside) {
  const std::string html = RenderReport(InventedReport());
  for (const std::string reference :
       {"http://", "https://", "<script", "<link", "url(", "@import"}) {
    EXPECT_THAT(html, Not(HasSubstr(reference)));
  }
}

// Every text a source, spec or label file can choose.
ReportInput HostileReport(const std::string& text) {
  ReportInput input = InventedReport();
  input.objective = input.version = text;
  input.manifest.collection = input.manifest.spec_digest = text;
  input.manifest.models = {{text, text}};
  input.manifest.class_counts = {{text, 3}};
  input.manifest.shards = {{text, text, 1, 1, text}};
  input.target_counts = {{text + "2", 3}};
  input.stages[0].stage = text;
  input.reasons[0].stage = text;
  input.reasons[0].examples = {{"", text, text}, Picture(1, text, text)};
  input.axes = {{text, 0.1, {{text, 1, 1, 0.5}}}};
  input.pairs = {{Picture(1, text, text), {"", text, text}, 1, false}};
  for (Histogram& histogram : input.histograms) {
    histogram.title = histogram.unit = histogram.threshold_label = text;
  }
  input.privacy.metadata_stripped = {{text, 1}};
  input.stored_examples = {Picture(1, text, text)};
  return input;
}

TEST(ReportTest, EscapesEverythingTheInputCanName) {
  const std::string html =
      RenderReport(HostileReport("\"'><script>alert(1)</script>&amp;\xff\x01"));
  EXPECT_THAT(html, Not(HasSubstr("<script")));
  EXPECT_THAT(html, Not(HasSubstr("\"'>")));
  EXPECT_THAT(html, HasSubstr("&lt;script&gt;"));
  EXPECT_THAT(html, HasSubstr("&amp;amp;"));
  EXPECT_TRUE(IsUtf8(html));
  EXPECT_EQ(html.find('\x01'), std::string::npos);
}

TEST(ReportTest, ShowsNoBytesThatAreNotAJpeg) {
  EXPECT_THAT(Figure({"<svg onload=x>", "a", ""}), Not(HasSubstr("data:")));
  EXPECT_THAT(Figure({"<svg onload=x>", "a", ""}), HasSubstr("no picture kept"));
}

TEST(ReportTest, LeavesOutSectionsWithoutContent) {
  ReportInput input;
  const std::string html = RenderReport(input);
  EXPECT_THAT(html, Not(HasSubstr("<section")));
  EXPECT_THAT(html, HasSubstr("</html>"));
}

TEST(ReportTest, DrawsDegenerateChartsWithoutNonsense) {
  ReportInput input = InventedReport();
  input.histograms = {Histogram(), Histogram()};
  input.histograms[1].counts = {0, 0};
  input.histograms[1].upper = input.histograms[1].lower = 3;
  input.histograms[1].has_threshold = true;
  input.axes = {{"empty", 0, {}}, {"zero", 0, {{"x", 0, 0, 2.0}}}};
  input.stages = {{"validator", 0, 0, 0, 0, 0}};
  const std::string html = RenderReport(input);
  EXPECT_THAT(html, Not(HasSubstr("nan")));
  EXPECT_THAT(html, Not(HasSubstr("inf%")));
}

TEST(Base64Test, EncodesTheVectorsOfRfc4648) {
  EXPECT_EQ(Base64(""), "");
  EXPECT_EQ(Base64("f"), "Zg==");
  EXPECT_EQ(Base64("fo"), "Zm8=");
  EXPECT_EQ(Base64("foo"), "Zm9v");
  EXPECT_EQ(Base64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(Base64("\xff\xfe\xfd"), "//79");
}

TEST(ReportFiguresTest, AreWrittenForPeople) {
  EXPECT_EQ(Count(0), "0");
  EXPECT_EQ(Count(999), "999");
  EXPECT_EQ(Count(1'234'567), "1,234,567");
  EXPECT_EQ(Bytes(999), "999 bytes");
  EXPECT_EQ(Bytes(1'500), "1.5 kB");
  EXPECT_EQ(Bytes(999'960), "1.0 MB");
  EXPECT_EQ(Share(0.125), "12.5 %");
  EXPECT_EQ(Share(0), "0.0 %");
  EXPECT_EQ(Share(0.0001), "&lt;0.1 %");
  EXPECT_EQ(Decimal(2), "2");
  EXPECT_EQ(Decimal(0.25), "0.25");
}

// With WINNOW_REPORT_OUT=file.html, for looking at it.
TEST(ReportTest, CanBeLookedAt) {
  const char* path = std::getenv("WINNOW_REPORT_OUT");
  if (path == nullptr) GTEST_SKIP() << "WINNOW_REPORT_OUT is not set";
  std::ofstream(path, std::ios::binary) << RenderReport(InventedReport());
}

}  // namespace
}  // namespace winnow::dataset
