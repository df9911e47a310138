#include "libs/dataset/contact_sheet.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace winnow::dataset {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

ContactSheet Sheet() {
  ContactSheet sheet;
  sheet.collection = "Gate <2>";
  sheet.policy = "the first one is kept";
  sheet.version = "0.1";
  sheet.sources = {{.source = "gate", .received = 1204, .kept = 4, .look_alikes = 1200}};
  SheetGroup group;
  group.kept = {"\xFF\xD8\xFFpixels", "kept.jpg", ""};
  group.dropped = {{{"", "look.jpg", "+1.00 s"}, DropKind::kLookAlike, 12, "mirrored", "x<y.jpg"},
                   {{"", "same.jpg", ""}, DropKind::kSameBytes, 0, "", ""},
                   {{"", "worse.jpg", ""}, DropKind::kSuperseded, 1, "", ""},
                   {{"", "worst.jpg", ""}, DropKind::kSuperseded, {}, "", ""}};
  group.not_shown = 30;
  sheet.groups = {group};
  sheet.groups_not_shown = 7;
  return sheet;
}

TEST(RenderContactSheetTest, SaysWhyEachImageWasDropped) {
  const std::string html = RenderContactSheet(Sheet());
  EXPECT_THAT(html, AllOf(HasSubstr("look-alike, 12 bits, mirrored from <bdi>x&lt;y.jpg</bdi>"),
                          HasSubstr("same bytes, 0 bits<"),
                          HasSubstr("replaced by a better copy, 1 bit<"),
                          HasSubstr("replaced by a better copy<"), HasSubstr("+1.00 s"),
                          HasSubstr("data:image/jpeg;base64,")));
}

TEST(RenderContactSheetTest, SaysHowMuchIsNotShown) {
  EXPECT_THAT(RenderContactSheet(Sheet()),
              AllOf(HasSubstr("and 30 more"), HasSubstr("7 smaller groups are not shown")));
}

TEST(RenderContactSheetTest, CountsTheImagesOfEachSource) {
  EXPECT_THAT(RenderContactSheet(Sheet()),
              AllOf(HasSubstr("<bdi>gate</bdi>"), HasSubstr("1,204"), HasSubstr("1,200")));
}

TEST(RenderContactSheetTest, EscapesWhatItIsGiven) {
  EXPECT_THAT(RenderContactSheet(Sheet()),
              AllOf(HasSubstr("Gate &lt;2&gt;"), Not(HasSubstr("<2>")), Not(HasSubstr("x<y"))));
}

TEST(RenderContactSheetTest, SaysSoWhereNothingWasDropped) {
  ContactSheet sheet = Sheet();
  sheet.groups.clear();
  EXPECT_THAT(RenderContactSheet(sheet), HasSubstr("Nothing was dropped"));
}

}  // namespace
}  // namespace winnow::dataset
