#include "libs/eval/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace winnow::eval {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

std::optional<record::Fingerprint> WithBits(int bits, int quality) {
  record::Fingerprint fingerprint;
  for (int i = 0; i < bits; ++i) fingerprint.bits[i / 64] |= std::uint64_t{1} << (i % 64);
  fingerprint.quality = quality;
  return fingerprint;
}

SetResult Result(const std::string& name) {
  SetResult result;
  result.set = {name, "A <set>", "/data/" + name,
                {{"a.jpg", "1", "original", "", true},
                 {"b.jpg", "1", "crop", "5 %", false},
                 {"c.jpg", "2", "original", "", true},
                 {"d.jpg", "1", "blur", "", false}}, {}};
  result.fingerprints = {WithBits(0, 80), WithBits(40, 80), WithBits(4, 80), WithBits(1, 20)};
  result.matched = MatchAll(result.set, result.fingerprints, {}, 5);
  result.transforms = MatchByTransform(result.set, result.fingerprints, {});
  result.stream = ScoreStream(result.set, {{Fate::Kind::kKept}, {Fate::Kind::kKept},
                                           {Fate::Kind::kDropped, 0}, {Fate::Kind::kUnread}});
  return result;
}

DuplicatesReport Report() {
  DuplicatesReport report;
  report.version = "0.1";
  report.sets = {Result("copies"), Result("seen from elsewhere")};
  report.sets[1].views = true;
  report.wrong = {{"copies", 4, {"", "a.jpg", ""}, {"", "<c>.jpg", ""}}};
  return report;
}

TEST(RenderJsonTest, HoldsScoresAndFingerprints) {
  const auto json = nlohmann::json::parse(RenderJson(Report()));
  EXPECT_EQ(json["format_version"], 1);
  EXPECT_EQ(json["policy"]["max_distance"], 31);
  const auto& set = json["sets"][0];
  EXPECT_EQ(set["scores"]["copies"]["pairs"], 3);
  EXPECT_EQ(set["scores"]["copies"]["not_compared"], 2);
  EXPECT_EQ(set["scores"]["found"], 0);
  EXPECT_EQ(set["scores"]["wrong"], 1);
  EXPECT_EQ(set["scores"]["copies"]["within"].size(), 257u);
  EXPECT_EQ(set["transforms"][0]["transform"], "crop");
  EXPECT_EQ(set["stream"]["dropped_wrong"], 1);
  EXPECT_EQ(set["stream"]["missed"], 1);
  EXPECT_EQ(set["pictures"][2]["pdq"].get<std::string>().substr(60), "000f");
  EXPECT_EQ(set["pictures"][3]["quality"], 20);
  EXPECT_FALSE(set["views"]);
  EXPECT_TRUE(json["sets"][1]["views"]);
}

TEST(RenderJsonTest, TakesNamesThatAreNoText) {
  DuplicatesReport report = Report();
  report.sets[0].set.pictures[0].file = "na\xefve.jpg";
  EXPECT_TRUE(nlohmann::json::accept(RenderJson(report)));
}

TEST(RenderTextTest, HasALineForEachSetAndTransform) {
  const std::string text = RenderText(Report());
  EXPECT_THAT(text, AllOf(HasSubstr("within 31 of 256 bits"), HasSubstr("\ncopies "),
                          HasSubstr("\nseen from elsewhere * "), HasSubstr("* views of one thing"),
                          HasSubstr("\n  crop ")));
}

TEST(RenderTextTest, SaysNothingOfViewsWhereThereAreNone) {
  DuplicatesReport report = Report();
  report.sets.pop_back();
  EXPECT_THAT(RenderText(report), Not(HasSubstr("*")));
}

TEST(RenderHtmlTest, EscapesWhatItIsGiven) {
  const std::string html = RenderHtml(Report());
  EXPECT_THAT(html, AllOf(HasSubstr("A &lt;set&gt;"), HasSubstr("&lt;c&gt;.jpg"),
                          Not(HasSubstr("<set>")), Not(HasSubstr("<c>"))));
}

TEST(RenderHtmlTest, PutsViewsApart) {
  const std::string html = RenderHtml(Report());
  const std::size_t views = html.find("What a perceptual hash cannot find");
  ASSERT_NE(views, std::string::npos);
  EXPECT_LT(html.find("<bdi>copies</bdi>"), views);
  EXPECT_GT(html.find("<bdi>seen from elsewhere</bdi>"), views);
}

TEST(RenderHtmlTest, LeavesOutWhatIsEmpty) {
  DuplicatesReport report = Report();
  report.sets.pop_back();
  report.sets[0].transforms.clear();
  report.wrong.clear();
  const std::string html = RenderHtml(report);
  EXPECT_THAT(html, AllOf(Not(HasSubstr("cannot find")), Not(HasSubstr("id=\"transforms\"")),
                          Not(HasSubstr("id=\"wrong\"")), Not(HasSubstr("id=\"missed\""))));
}

}  // namespace
}  // namespace winnow::eval
