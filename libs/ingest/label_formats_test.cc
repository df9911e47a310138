// The parsers of label files, on values and on hostile text.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "libs/ingest/geometry_json.h"
#include "libs/ingest/image_header.h"
#include "libs/ingest/json_sidecar.h"
#include "libs/ingest/labels.h"
#include "libs/ingest/testing_folder.h"
#include "libs/ingest/time_text.h"
#include "libs/ingest/yolo_labels.h"

namespace winnow::ingest {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using std::string_literals::operator""s;

template <class T>
std::string Message(const Result<T>& result) {
  return result ? "" : result.error().message;
}

// ---- JSON sidecar ----------------------------------------------------------------------------

TEST(JsonSidecarTest, ReadsEveryGeometryOfAnObject) {
  const auto labels = ParseJsonSidecar(R"({"masks": [{"label": "person", "bbox": [0, 0, 3, 2],
      "polygons": [[0, 0, 1, 0, 1, 1]], "keypoints": [1, 1, 2],
      "mask": {"size": [2, 3], "counts": [0, 6]}}]})");
  ASSERT_TRUE(labels) << Message(labels);
  const record::Annotation& person = labels->annotations.at(0);
  EXPECT_EQ(person.box, (record::Box{0, 0, 3, 2}));
  EXPECT_EQ(person.polygons->rings.at(0).size(), 3u);
  EXPECT_EQ(person.keypoints.at(0), (record::Keypoint{{1, 1}, 2}));
  EXPECT_EQ(person.mask, (record::MaskRle{3, 2, {0, 6}}));
}

struct BadSidecar {
  std::string text;
  const char* cause;
};

TEST(JsonSidecarTest, NamesWhatIsWrong) {
  const std::vector<BadSidecar> cases = {
      {"", "byte 1"},
      {"[]", "must be an object"},
      {R"({"boxs": []})", "unknown key \"boxs\""},
      {R"({"boxes": {}})", "list of objects"},
      {R"({"boxes": [{"label": "car"}]})", "\"bbox\""},
      {R"({"boxes": [{"bbox": [1, 2, 3, 4]}]})", "no \"label\""},
      {R"({"boxes": [{"label": 3, "bbox": [1, 2, 3, 4]}]})", "\"label\" must be a text"},
      {R"({"boxes": [{"label": "a", "bbox": [1, 2, 3]}]})", "[x, y, width, height]"},
      {R"({"boxes": [{"label": "a", "bbox": [1, 2, 3, "4"]}]})", "list of numbers"},
      {R"({"boxes": [{"label": "a", "bbox": [1, 2, 3, NaN]}]})", "byte"},
      {R"({"boxes": [{"label": "a", "bbox": [1, 2, 3, 1e999]}]})", "byte"},
      {R"({"polygons": [{"label": "a", "polygons": [[1, 2, 3]]}]})", "pairs"},
      {R"({"keypoints": [{"label": "a", "keypoints": [1, 2]}]})", "triples"},
      {R"({"keypoints": [{"label": "a", "keypoints": [1, 2, 7]}]})", "visibility"},
      {R"({"masks": [{"label": "a", "mask": {"size": [2, 2], "counts": [1]}}]})", "add up"},
      {R"({"masks": [{"label": "a", "mask": {"size": [2, 2], "counts": [-1, 5]}}]})", "32 bits"},
      {R"({"captured_at": "yesterday"})", "2024-05-01T12:30:00Z"},
      {R"({"source": {"kind": "camera"}})", "source has no \"id\""},
      {R"({"source": {"id": ""}})", "must not be empty"},
      {R"({"source": {"id": "a", "kind": "drone"}})", "folder, feed, upload or camera"},
      {R"({"source": {"id": "a", "name": "b"}})", "unknown key \"name\""},
      {R"({"attributes": {"a": [1]}})", "attributes.a"},
      {R"({"consent": {"purpose": "train"}})", "unknown key \"purpose\""},
      {"{\"site\": \"\xE9\"}", "byte"},
      {R"({"site": "a"} x)", "byte"}};
  for (const BadSidecar& bad : cases) {
    const auto labels = ParseJsonSidecar(bad.text);
    EXPECT_THAT(Message(labels), HasSubstr(bad.cause)) << bad.text;
  }
}

TEST(JsonSidecarTest, SurvivesDeepNestingAndEveryTruncation) {
  EXPECT_THAT(Message(ParseJsonSidecar(std::string(5'000'000, '['))), HasSubstr("nested"));
  std::string objects;
  for (int i = 0; i < 100'000; ++i) objects += R"({"a":)";
  EXPECT_THAT(Message(ParseJsonSidecar(objects)), HasSubstr("nested"));
  const std::string whole = R"({"tags": ["a"], "boxes": [{"label": "b", "bbox": [1, 2, 3, 4]}]})";
  for (std::size_t length = 0; length < whole.size(); ++length) {
    EXPECT_FALSE(ParseJsonSidecar(whole.substr(0, length))) << length;
  }
}

// ---- run lengths -----------------------------------------------------------------------------

// The texts follow rleToString in cocoapi/common/maskApi.c.
TEST(RunLengthsTest, DecodesCompressedCounts) {
  EXPECT_THAT(*DecodeRunLengths("g046000_1"), ElementsAre(23, 4, 6, 4, 6, 4, 53));
  EXPECT_THAT(*DecodeRunLengths("05`[T2NadkMmSQm1"), ElementsAre(0, 5, 70000, 3, 1, 2000000));
  EXPECT_TRUE(DecodeRunLengths("")->empty());
}

TEST(RunLengthsTest, RefusesBadText) {
  for (const std::string& text : {"\x01"s, "P"s, "\xFF"s, "oooooooooooooo"s, "O"s}) {
    EXPECT_FALSE(DecodeRunLengths(text)) << text;
  }
}

// ---- YOLO --------------------------------------------------------------------------------------

const YoloClasses kTwo{{"cat", "dog"}, 0, 0};

TEST(YoloLabelsTest, ReadsBoxesAndPolygonsAndClipsRounding) {
  const auto labels =
      ParseYoloLabels("\n0 0.5 0.5 1.000001 1\r\n1 0 0 1 0 1 1 0 1\n", kTwo, {100, 50});
  ASSERT_TRUE(labels) << Message(labels);
  ASSERT_EQ(labels->size(), 2u);
  EXPECT_EQ((*labels)[0].box, (record::Box{0, 0, 100, 50}));
  EXPECT_EQ((*labels)[1].polygons->rings.at(0).size(), 4u);
}

TEST(YoloLabelsTest, ReadsKeypointsWhereTheClassFileSaysSo) {
  const auto classes = ParseDataYaml("names: [person]\nkpt_shape: [2, 3]\n");
  ASSERT_TRUE(classes) << Message(classes);
  const auto labels = ParseYoloLabels("0 .5 .5 .5 .5 0.1 0.2 2 0 0 0", *classes, {100, 100});
  ASSERT_TRUE(labels) << Message(labels);
  EXPECT_THAT(labels->at(0).keypoints, ElementsAre(record::Keypoint{{10, 20}, 2},
                                                   record::Keypoint{{0, 0}, 0}));
}

TEST(YoloLabelsTest, NamesTheLineThatIsWrong) {
  for (const std::string& bad :
       {"2 .5 .5 .1 .1"s, "-1 .5 .5 .1 .1"s, "0.5 .5 .5 .1 .1"s, "0 .5 .5 .1"s, "0"s,
        "0 nan .5 .1 .1"s, "0 inf .5 .1 .1"s, "0 1e999 .5 .1 .1"s, "0 320 240 50 50"s,
        "cat 1 2 3 4"s, "0 .5 .5 .1 .1 .9"s, "1e300 .5 .5 .1 .1"s, "0 .5,.5 .1 .1 1"s,
        "\x00\x01"s}) {
    const auto labels = ParseYoloLabels("0 .5 .5 .1 .1\n" + bad, kTwo, {100, 100});
    EXPECT_THAT(Message(labels), HasSubstr("line 2")) << bad;
  }
}

TEST(YoloLabelsTest, ReadsClassListsAndRefusesBrokenYaml) {
  EXPECT_THAT(ParseClassList("\xEF\xBB\xBF" "a\r\n b c \n\n").names, ElementsAre("a", "b c"));
  EXPECT_THAT(ParseDataYaml("names:\n  0: a\n  2: c\n")->names, ElementsAre("a", "", "c"));
  EXPECT_TRUE(ParseDataYaml("path: x\n")->names.empty());
  for (const std::string& bad : {"names: 3"s, "names: {a: b}"s, "names: {-1: b}"s, "names: [[a]]"s,
                                 "names: {999999999: b}"s, "names: [a"s,
                                 "names: [a]\nkpt_shape: 3"s,
                                 "names: "s + std::string(100'000, '[')}) {
    EXPECT_FALSE(ParseDataYaml(bad)) << bad.substr(0, 40);
  }
}

// ---- times and headers -------------------------------------------------------------------------

TEST(TimeTextTest, ReadsRfc3339AndNothingElse) {
  const auto at = [](std::int64_t ms) { return Timestamp(std::chrono::milliseconds(ms)); };
  EXPECT_EQ(ParseRfc3339("1970-01-01T00:00:01Z"), at(1000));
  EXPECT_EQ(ParseRfc3339("1970-01-01T01:00:00.2505+01:00"), at(250));
  EXPECT_EQ(ParseRfc3339("1969-12-31"), at(-86'400'000));
  for (const char* bad : {"", "2024", "2024-02-30", "2024-01-01T00:00:00", "2024-01-01T24:00:00Z",
                          "2024-01-01T00:00:00+1", "2024-01-01T00:00:00Zx",
                          "2024-01-01T00:00:00.Z"}) {
    EXPECT_EQ(ParseRfc3339(bad), std::nullopt) << bad;
  }
}

TEST(TimeTextTest, ReadsExifTimesWithAndWithoutOffset) {
  EXPECT_EQ(ParseExifTime("1970:01:01 02:00:00", "+02:00"), Timestamp());
  EXPECT_EQ(ParseExifTime("1970:01:01 00:00:00", ""), Timestamp());
  EXPECT_EQ(ParseExifTime("0000:00:00 00:00:00", ""), std::nullopt);
  EXPECT_EQ(ParseExifTime("    :  :     :  :  ", ""), std::nullopt);
}

// A JPEG of Exif and SOF segments: big-endian EXIF, orientation 6, DateTimeOriginal.
std::string JpegHeader() {
  const std::string ifd0 =
      "\0\2\x01\x12\0\3\0\0\0\1\0\6\0\0\x87\x69\0\4\0\0\0\1\0\0\0\x26\0\0\0\0"s;
  const std::string exif_ifd = "\0\1\x90\x03\0\2\0\0\0\x14\0\0\0\x38\0\0\0\0"s;
  const std::string exif = "Exif\0\0MM\0*\0\0\0\x08"s + ifd0 + exif_ifd + "2024:05:01 12:30:00\0"s;
  const std::string app1 = "\xFF\xE1\0"s + static_cast<char>(exif.size() + 2) + exif;
  return "\xFF\xD8"s + app1 + "\xFF\xC0\0\x0B\x08\0\x32\0\x64\1\1\x11\0\xFF\xD9"s;
}

TEST(ImageHeaderTest, ReadsSizeOrientationAndTimeOfAJpeg) {
  const ImageHeader header = ReadImageHeader(JpegHeader());
  EXPECT_EQ(header.width, 100u);
  EXPECT_EQ(header.height, 50u);
  EXPECT_EQ(header.orientation, 6);
  EXPECT_EQ(header.captured_at, ParseRfc3339("2024-05-01T12:30:00Z"));
}

TEST(ImageHeaderTest, ReadsTheSizeOfOtherFormats) {
  const auto size = [](const std::string& bytes) {
    const ImageHeader header = ReadImageHeader(bytes);
    return std::pair(header.width, header.height);
  };
  const std::pair expected(100u, 50u);
  EXPECT_EQ(size(BmpHeader(100, 50)), expected);
  EXPECT_EQ(size("\x89PNG\r\n\x1A\n\0\0\0\x0DIHDR\0\0\0\x64\0\0\0\x32"s + std::string(9, '\0')),
            expected);
  EXPECT_EQ(size("RIFF\0\0\0\0WEBPVP8X\x0A\0\0\0\0\0\0\0\x63\0\0\x31\0\0"s), expected);
  EXPECT_EQ(size("RIFF\0\0\0\0WEBPVP8 \x0A\0\0\0\0\0\0\x9D\1\x2A\x64\0\x32\0"s), expected);
  EXPECT_EQ(size("RIFF\0\0\0\0WEBPVP8L\x05\0\0\0\x2F\x63\x40\x0C\0"s), expected);
  EXPECT_EQ(size("II*\0\x08\0\0\0\2\0"s + "\0\1\3\0\1\0\0\0\x64\0\0\0"s +
                 "\1\1\4\0\1\0\0\0\x32\0\0\0"s),
            expected);
}

TEST(ImageHeaderTest, SurvivesEveryTruncationAndFlippedByte) {
  const std::string whole = JpegHeader();
  for (std::size_t i = 0; i < whole.size(); ++i) {
    ReadImageHeader(whole.substr(0, i));
    std::string bent = whole;
    bent[i] = static_cast<char>(~bent[i]);
    const ImageHeader header = ReadImageHeader(bent);
    EXPECT_GE(header.orientation, 1);
    EXPECT_LE(header.orientation, 8);
  }
}

TEST(ImageHeaderTest, SurvivesFilesThatEndWithinTheirSignature) {
  for (const std::string& whole : {"RIFF\0\0\0\0WEBPVP8X"s, "\x89PNG\r\n\x1A\n\0\0\0\x0DIHDR"s,
                                   "II*\0\x08\0\0\0"s, "MM\0*\xFF\xFF\xFF\xFF"s, BmpHeader(1, 1)}) {
    for (std::size_t i = 0; i < whole.size(); ++i) {
      EXPECT_EQ(ReadImageHeader(whole.substr(0, i)).orientation, 1) << i;
    }
  }
}

// ---- orientation -------------------------------------------------------------------------------

TEST(MoveToStoredTest, TurnsMasksTheSameWayAsBoxes) {
  for (int orientation = 1; orientation <= 8; ++orientation) {
    const ImageHeader header{3, 2, orientation, std::nullopt};
    const UprightSize upright = UprightSizeOf(header);
    record::Annotation annotation;
    annotation.box = record::Box{1, 0, 1, 1};  // upright pixel (1, 0)
    const auto width = static_cast<std::uint32_t>(upright.width);
    const auto height = static_cast<std::uint32_t>(upright.height);
    annotation.mask = record::MaskRle{width, height, {height, 1, width * height - height - 1}};
    MoveToStored(header, annotation);
    const auto column = static_cast<std::uint32_t>(annotation.box->x);
    const auto row = static_cast<std::uint32_t>(annotation.box->y);
    ASSERT_EQ(annotation.mask->width, 3u);
    ASSERT_EQ(annotation.mask->height, 2u);
    EXPECT_EQ(annotation.mask->counts.at(0), column * 2 + row) << orientation;
    EXPECT_EQ(annotation.mask->counts.at(1), 1u) << orientation;
  }
}

}  // namespace
}  // namespace winnow::ingest
