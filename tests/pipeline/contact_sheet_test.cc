// `winnow run`, then `winnow duplicates`: what the page says of a real run.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "libs/image/decode.h"
#include "libs/image/thumbnail.h"
#include "libs/ingest/folder_source.h"
#include "libs/testing/images.h"
#include "services/winnow/duplicates_command.h"
#include "services/winnow/pictures.h"
#include "services/winnow/run_command.h"
#include "services/winnow/wiring.h"
#include "tests/pipeline/marker_detector.h"
#include "tests/pipeline/pipeline_driver.h"

namespace winnow::pipeline_test {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kSpec = R"(
winnow: 1
collection: sheet
validate: {min_sharpness: 0, min_side: 64}
privacy: {faces: false}
dedup: {keep: best}
)";

class ContactSheetOfARunTest : public ::testing::Test {
 protected:
  ContactSheetOfARunTest() { scratch_.Write("spec.yaml", kSpec); }

  void Write(const std::string& name, const std::string& bytes) const {
    scratch_.Write("in/" + name, bytes);
  }

  std::string Path(const std::string& name) const { return scratch_.path() + "/" + name; }

  cli::ExitCode Run() const {
    cli::RunCommandOptions options;
    options.spec = Path("spec.yaml");
    options.input = Path("in");
    options.output = Path("out");
    options.threads = 2;
    return cli::RunCommand(options);
  }

  cli::DuplicatesOptions Options() const {
    cli::DuplicatesOptions options;
    options.spec = Path("spec.yaml");
    options.input = Path("in");
    options.output = Path("out");
    options.html = Path("sheet.html");
    options.threads = 2;
    return options;
  }

  // The page, after a run.
  std::string Sheet() const {
    EXPECT_EQ(cli::DuplicatesCommand(Options()), cli::ExitCode::kOk);
    std::ifstream file(Path("sheet.html"), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  // What the page says of the picture with this caption: from its reason to its note.
  static std::string OnPicture(const std::string& sheet, const std::string& caption) {
    const std::size_t at = sheet.find("<figcaption><bdi>" + caption + "</bdi>");
    EXPECT_NE(at, std::string::npos) << caption << " is not on the sheet";
    if (at == std::string::npos) return {};
    const std::size_t begin = sheet.rfind("<div", sheet.rfind("<figure>", at));
    return sheet.substr(begin, sheet.find("</figcaption>", at) - begin);
  }

  ScratchFolder scratch_;
};

TEST_F(ContactSheetOfARunTest, NamesEachDroppedImageWithDistanceAndReason) {
  Write("a/first.jpg", testing::MakeJpeg({.seed = 1}));
  Write("a/same.jpg", testing::MakeJpeg({.seed = 1}));
  Write("b/first.jpg", testing::MakeJpeg({.seed = 2}));
  Write("b/look.jpg", testing::MakeJpeg({.seed = 2, .quality = 40}));
  Write("c/1-blurred.jpg", testing::MakeJpeg({.seed = 3, .blur = 2}));
  Write("c/2-sharp.jpg", testing::MakeJpeg({.seed = 3}));
  Write("d/alone.jpg", testing::MakeJpeg({.seed = 4}));
  ASSERT_EQ(Run(), cli::ExitCode::kOk);
  const std::string sheet = Sheet();

  EXPECT_THAT(OnPicture(sheet, "a/same.jpg"), HasSubstr(">same bytes, 0 bits<"));
  EXPECT_THAT(OnPicture(sheet, "b/look.jpg"), ContainsRegex(">look-alike, [0-9]+ bits?<"));
  EXPECT_THAT(OnPicture(sheet, "c/1-blurred.jpg"),
              ContainsRegex(">replaced by a better copy, [0-9]+ bits?<"));
  for (const char* kept : {"a/first.jpg", "b/first.jpg", "c/2-sharp.jpg"}) {
    EXPECT_THAT(OnPicture(sheet, kept),
                AllOf(HasSubstr("class=\"kept\""), HasSubstr("data:image/jpeg")))
        << kept;
  }
  EXPECT_THAT(sheet, Not(HasSubstr("d/alone.jpg")));
  EXPECT_THAT(sheet, Not(HasSubstr("no picture kept")));
  EXPECT_THAT(sheet, HasSubstr("<td class=\"num\">7</td><td class=\"num\">4</td>"));
}

TEST_F(ContactSheetOfARunTest, SaysSoWhereNothingWasDropped) {
  Write("a.jpg", testing::MakeJpeg({.seed = 1}));
  Write("b.jpg", testing::MakeJpeg({.seed = 2}));
  ASSERT_EQ(Run(), cli::ExitCode::kOk);
  EXPECT_THAT(Sheet(), HasSubstr("Nothing was dropped"));
}

TEST_F(ContactSheetOfARunTest, LeavesAFrameForAnImageThatIsGoneOrAnother) {
  for (const char* name : {"1-first.jpg", "2-gone.jpg", "3-changed.jpg"}) {
    Write(name, testing::MakeJpeg({.seed = 1}));
  }
  ASSERT_EQ(Run(), cli::ExitCode::kOk);
  std::filesystem::remove(Path("in/2-gone.jpg"));
  Write("3-changed.jpg", testing::MakeJpeg({.seed = 9}));
  const std::string sheet = Sheet();
  EXPECT_THAT(OnPicture(sheet, "1-first.jpg"), HasSubstr("data:image/jpeg"));
  for (const char* name : {"2-gone.jpg", "3-changed.jpg"}) {
    EXPECT_THAT(OnPicture(sheet, name),
                AllOf(HasSubstr("no picture kept"), HasSubstr("same bytes"),
                      Not(HasSubstr("data:image/jpeg"))))
        << name;
  }
}

TEST_F(ContactSheetOfARunTest, EscapesHostileNames) {
  const std::string hostile = "2\"><img src=x onerror=alert(1)>'&.jpg";
  Write("1.jpg", testing::MakeJpeg({.seed = 1}));
  Write(hostile, testing::MakeJpeg({.seed = 1}));
  Write(hostile + ".json", R"({"source": {"id": "<script>alert(2)</script>", "kind": "camera"}})");
  Write("3\xFF\x1B[31m.jpg", testing::MakeJpeg({.seed = 1}));
  ASSERT_EQ(Run(), cli::ExitCode::kOk);
  const std::string sheet = Sheet();
  EXPECT_THAT(sheet, HasSubstr("2&quot;&gt;&lt;img src=x onerror=alert(1)&gt;&#39;&amp;.jpg"));
  EXPECT_THAT(sheet, HasSubstr("&lt;script&gt;alert(2)&lt;/script&gt;"));
  EXPECT_THAT(sheet, AllOf(Not(HasSubstr("<img src=x")), Not(HasSubstr("<script")),
                           Not(HasSubstr("\x1B")), Not(HasSubstr("\xFF\x1B"))));
}

TEST_F(ContactSheetOfARunTest, RefusesTheStateOfAnotherSpec) {
  Write("a.jpg", testing::MakeJpeg({.seed = 1}));
  ASSERT_EQ(Run(), cli::ExitCode::kOk);
  scratch_.Write("spec.yaml", std::string(kSpec) + "output: {shard_images: 7}\n");
  EXPECT_EQ(cli::DuplicatesCommand(Options()), cli::ExitCode::kUsage);
  EXPECT_FALSE(std::filesystem::exists(Path("sheet.html")));
}

// The way every picture takes into a sheet or a report.
TEST(RedactedThumbnailsTest, ShowNoFaces) {
  const spec::CollectionSpec spec = LenientSpec();
  PipelineDriver driver(spec);
  image::Pixels pixels = testing::MakePixels({.seed = 5});
  PaintMarker(pixels, {60, 40, 50, 60});
  driver.input.Write("face.jpg", image::JpegThumbnail(pixels, pixels.width, 92).value());
  driver.input.Write("none.jpg", testing::MakeJpeg({.seed = 6}));
  ASSERT_TRUE(driver.Run());
  const auto records = driver.Records();
  const auto folder = ingest::OpenFolder(cli::FolderOptionsFor(spec, driver.input.path()));
  ASSERT_TRUE(folder);
  const auto pictures =
      cli::RedactedThumbnails({&records.at("face.jpg"), &records.at("none.jpg")}, **folder,
                              PipelineStages(spec)[1].factory, 1);
  ASSERT_TRUE(pictures) << pictures.error().message;
  for (const std::string& picture : *pictures) {
    const image::Decoded decoded = image::Decode(picture, {});
    ASSERT_NE(decoded.frame, nullptr) << decoded.detail;
    EXPECT_FALSE(ShowsMarker(decoded.frame->pixels));
  }
}

}  // namespace
}  // namespace winnow::pipeline_test
