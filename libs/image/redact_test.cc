#include "libs/image/redact.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstdio>
#include <limits>
#include <set>

#include <jpeglib.h>
#include <libexif/exif-data.h>

#include "libs/image/decode.h"
#include "libs/testing/images.h"

namespace winnow::image {
namespace {

using record::Box;
using record::ImageFormat;
using testing::Chroma;
using testing::MakeImageOptions;
using ::testing::Contains;
using ::testing::IsEmpty;
using ::testing::IsSupersetOf;

constexpr std::array kAllChroma = {Chroma::k444, Chroma::k422, Chroma::k420, Chroma::kGrey,
                                   Chroma::kCmyk};

using Maker = std::string (*)(const MakeImageOptions&);
const std::vector<Maker> kMakers = {testing::MakeJpeg, testing::MakePng, testing::MakeWebp,
                                    testing::MakeTiff, testing::MakeBmp};

Redacted MustRedact(const std::string& bytes, const std::vector<Box>& boxes,
                    const RedactOptions& options = {}) {
  const Decoded decoded = Decode(bytes, {});
  EXPECT_NE(decoded.frame, nullptr) << decoded.detail;
  auto redacted = Redact(bytes, *decoded.frame, boxes, options);
  EXPECT_TRUE(redacted.has_value()) << redacted.error().message;
  return redacted.value_or(Redacted{});
}

std::shared_ptr<const Frame> MustDecode(const std::string& bytes) {
  const Decoded decoded = Decode(bytes, {});
  EXPECT_NE(decoded.frame, nullptr) << decoded.detail;
  return decoded.frame;
}

// ---- coefficients, read with libjpeg alone ---------------------------------------------------

struct Plane {
  unsigned columns = 0;
  unsigned rows = 0;
  unsigned block_width = 0;  // picture pixels that a block covers
  unsigned block_height = 0;
  std::vector<std::array<JCOEF, DCTSIZE2>> blocks;
  std::vector<unsigned> quantisation;
};

struct Coefficients {
  bool progressive = false;
  unsigned mcu_width = 0;
  unsigned mcu_height = 0;
  std::vector<Plane> planes;
};

Coefficients ReadCoefficients(const std::string& bytes) {
  jpeg_decompress_struct codec{};
  jpeg_error_mgr errors{};
  codec.err = jpeg_std_error(&errors);
  jpeg_create_decompress(&codec);
  jpeg_mem_src(&codec, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  jpeg_read_header(&codec, TRUE);
  jvirt_barray_ptr* arrays = jpeg_read_coefficients(&codec);
  Coefficients out;
  out.progressive = codec.progressive_mode;
  const bool single = codec.num_components == 1;
  out.mcu_width = 8u * static_cast<unsigned>(single ? 1 : codec.max_h_samp_factor);
  out.mcu_height = 8u * static_cast<unsigned>(single ? 1 : codec.max_v_samp_factor);
  for (int i = 0; i < codec.num_components; ++i) {
    const jpeg_component_info& info = codec.comp_info[i];
    Plane plane{info.width_in_blocks, info.height_in_blocks,
                8u * static_cast<unsigned>(codec.max_h_samp_factor / info.h_samp_factor),
                8u * static_cast<unsigned>(codec.max_v_samp_factor / info.v_samp_factor), {}, {}};
    plane.quantisation.assign(info.quant_table->quantval, info.quant_table->quantval + DCTSIZE2);
    for (JDIMENSION y = 0; y < info.height_in_blocks; ++y) {
      JBLOCKROW row = codec.mem->access_virt_barray(reinterpret_cast<j_common_ptr>(&codec),
                                                    arrays[i], y, 1, FALSE)[0];
      for (JDIMENSION x = 0; x < info.width_in_blocks; ++x) {
        plane.blocks.emplace_back();
        std::copy_n(row[x], DCTSIZE2, plane.blocks.back().begin());
      }
    }
    out.planes.push_back(std::move(plane));
  }
  jpeg_destroy_decompress(&codec);
  return out;
}

bool Touches(const Box& box, double left, double top, double width, double height) {
  return box.x < left + width && box.x + box.width > left && box.y < top + height &&
         box.y + box.height > top;
}

// Whether the MCU that holds a block is touched by any box.
bool IsTouched(const Coefficients& file, const Plane& plane, std::size_t index,
               const std::vector<Box>& boxes) {
  const auto column = static_cast<unsigned>(index % plane.columns);
  const auto row = static_cast<unsigned>(index / plane.columns);
  const unsigned left = column * plane.block_width / file.mcu_width * file.mcu_width;
  const unsigned top = row * plane.block_height / file.mcu_height * file.mcu_height;
  for (const Box& box : boxes) {
    if (Touches(box, left, top, file.mcu_width, file.mcu_height)) return true;
  }
  return false;
}

bool HasDetail(const std::array<JCOEF, DCTSIZE2>& block) {
  return std::any_of(block.begin() + 1, block.end(), [](JCOEF c) { return c != 0; });
}

struct Comparison {
  int kept = 0;
  int destroyed = 0;
};

Comparison ExpectOnlyTouchedBlocksChange(const std::string& before, const std::string& after,
                                         const std::vector<Box>& boxes) {
  const Coefficients a = ReadCoefficients(before);
  const Coefficients b = ReadCoefficients(after);
  Comparison seen;
  EXPECT_EQ(a.progressive, b.progressive);
  EXPECT_EQ(a.planes.size(), b.planes.size());
  for (std::size_t p = 0; p < a.planes.size() && p < b.planes.size(); ++p) {
    EXPECT_EQ(a.planes[p].quantisation, b.planes[p].quantisation);
    EXPECT_EQ(a.planes[p].blocks.size(), b.planes[p].blocks.size());
    for (std::size_t i = 0; i < a.planes[p].blocks.size(); ++i) {
      if (IsTouched(a, a.planes[p], i, boxes)) {
        ++seen.destroyed;
        EXPECT_FALSE(HasDetail(b.planes[p].blocks[i])) << "component " << p << " block " << i;
      } else {
        ++seen.kept;
        EXPECT_EQ(a.planes[p].blocks[i], b.planes[p].blocks[i]) << "component " << p << " " << i;
      }
    }
  }
  return seen;
}

TEST(RedactTest, JpegChangesTheTouchedBlocksAndNoOthers) {
  const std::vector<Box> boxes = {{33.5, 20.2, 60, 80}, {90, 70, 50, 50}, {300, 200, 400, 400},
                                  {-50, 180, 70, 30}};
  for (const Chroma chroma : kAllChroma) {
    for (const bool progressive : {false, true}) {
      for (const unsigned restart : {0u, 3u}) {
        MakeImageOptions options;
        options.width = 325;
        options.height = 243;
        options.chroma = chroma;
        options.progressive = progressive;
        options.restart_interval = restart;
        const std::string before = testing::MakeJpeg(options);
        const std::string after = MustRedact(before, boxes).bytes;
        const Comparison seen = ExpectOnlyTouchedBlocksChange(before, after, boxes);
        EXPECT_GT(seen.kept, 500);
        EXPECT_GT(seen.destroyed, 100);
      }
    }
  }
}

TEST(RedactTest, JpegWithArithmeticCodingBecomesHuffmanCoded) {
  MakeImageOptions options;
  options.arithmetic = true;
  const std::string before = testing::MakeJpeg(options);
  ASSERT_NE(before.find("\xff\xc9"), std::string::npos);
  const std::vector<Box> boxes = {{100, 100, 50, 50}};
  const std::string after = MustRedact(before, boxes).bytes;
  EXPECT_EQ(after.find("\xff\xc9"), std::string::npos);
  ExpectOnlyTouchedBlocksChange(before, after, boxes);
}

TEST(RedactTest, JpegWhoseHuffmanTablesLackSymbolsGetsNewOnes) {
  MakeImageOptions options;
  options.optimized = true;
  for (const Chroma chroma : {Chroma::k420, Chroma::kGrey}) {
    options.chroma = chroma;
    const std::string before = testing::MakeJpeg(options);
    const std::vector<Box> boxes = {{100, 100, 90, 50}};
    ExpectOnlyTouchedBlocksChange(before, MustRedact(before, boxes).bytes, boxes);
  }
}

// Distinct DC values in the region of a box: at most one per mosaic cell.
std::size_t ColoursIn(const Coefficients& file, const Box& box) {
  std::set<JCOEF> values;
  const Plane& luma = file.planes.front();
  for (std::size_t i = 0; i < luma.blocks.size(); ++i) {
    if (IsTouched(file, luma, i, {box})) values.insert(luma.blocks[i][0]);
  }
  return values.size();
}

TEST(RedactTest, JpegLeavesNoMoreColoursThanCellsWhateverTheSize) {
  MakeImageOptions options;
  options.width = 640;
  options.height = 480;
  const std::string before = testing::MakeJpeg(options);
  for (const double side : {9.0, 30.0, 64.0, 100.0, 300.0}) {
    const Box box = {101, 77, side, side * 1.3};
    const std::string after = MustRedact(before, {box}).bytes;
    const std::size_t colours = ColoursIn(ReadCoefficients(after), box);
    EXPECT_LE(colours, 4u * 4u) << side;
    if (side < 300) continue;
    EXPECT_GT(ColoursIn(ReadCoefficients(before), box), 100u);
  }
}

TEST(RedactTest, JpegTakesHundredsOfOverlappingBoxes) {
  std::vector<Box> boxes;
  for (int i = 0; i < 400; ++i) boxes.push_back({i % 40 * 3.0, i / 40 * 9.0, 50, 60});
  const std::string before = testing::MakeJpeg();
  ExpectOnlyTouchedBlocksChange(before, MustRedact(before, boxes).bytes, boxes);
}

TEST(RedactTest, CanDestroyThePictureAltogether) {
  for (const Maker make : kMakers) {
    const auto after = MustDecode(MustRedact(make({}), {{-1e9, -1e9, 3e9, 3e9}}, {1}).bytes);
    std::set<int> greens;
    const std::vector<std::uint8_t>& bgr = after->pixels.bgr;
    for (std::size_t i = 1; i < bgr.size(); i += 3) greens.insert(bgr[i]);
    EXPECT_LE(greens.size(), 2u);  // one colour, give or take a conversion
  }
}

TEST(RedactTest, BoxesOutsideThePictureOrWithoutAreaChangeNothing) {
  for (const Maker make : kMakers) {
    const std::string before = make({});
    const std::string after =
        MustRedact(before, {{500, 10, 30, 30}, {-40, -40, 40, 40}, {10, 10, 0, 0}}).bytes;
    EXPECT_EQ(MustDecode(after)->pixels.bgr, MustDecode(before)->pixels.bgr);
  }
}

TEST(RedactTest, RefusesABoxThatIsNoNumber) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const Maker make : kMakers) {
    const std::string bytes = make({});
    const auto result = Redact(bytes, *MustDecode(bytes), {{nan, 0, 5, 5}}, {});
    ASSERT_FALSE(result.has_value());
    EXPECT_EQ(result.error().code, ErrorCode::kInput);
  }
}

TEST(RedactTest, RefusesBytesThatAreNotTheFrame) {
  MakeImageOptions other;
  other.width = 100;
  const auto frame = MustDecode(testing::MakeJpeg(other));
  EXPECT_FALSE(Redact(testing::MakePng(), *frame, {}, {}).has_value());
  EXPECT_FALSE(Redact(testing::MakeJpeg(), *frame, {{1, 1, 5, 5}}, {}).has_value());
}

bool IsMosaic(const Pixels& pixels, const Box& box, unsigned cell) {
  const auto at = [&](unsigned x, unsigned y) { return &pixels.bgr[(y * pixels.width + x) * 3]; };
  for (unsigned y = 0; y < static_cast<unsigned>(box.height); ++y) {
    for (unsigned x = 0; x < static_cast<unsigned>(box.width); ++x) {
      const unsigned left = static_cast<unsigned>(box.x);
      const unsigned top = static_cast<unsigned>(box.y);
      const auto* first = at(left + x / cell * cell, top + y / cell * cell);
      if (!std::equal(first, first + 3, at(left + x, top + y))) return false;
    }
  }
  return true;
}

TEST(RedactTest, OtherFormatsBecomeAMosaicInTheBoxAndStayExactOutside) {
  const Box box = {40, 50, 80, 60};
  for (std::size_t i = 1; i < kMakers.size(); ++i) {
    const std::string before = kMakers[i]({});
    const auto was = MustDecode(before);
    const auto is = MustDecode(MustRedact(before, {box}).bytes);
    EXPECT_FALSE(IsMosaic(was->pixels, box, 20));
    EXPECT_TRUE(IsMosaic(is->pixels, box, 20));
    for (unsigned y = 0; y < 240; ++y) {
      for (unsigned x = 0; x < 320; ++x) {
        if (Touches(box, x, y, 1, 1)) continue;
        const std::size_t at = (y * 320 + x) * 3;
        const auto* pixel = &was->pixels.bgr[at];
        ASSERT_TRUE(std::equal(pixel, pixel + 3, &is->pixels.bgr[at]));
      }
    }
  }
}

TEST(RedactTest, SmallBoxesLoseMoreThanTheirCellsAsk) {
  const Box box = {40, 50, 16, 16};
  const auto is = MustDecode(MustRedact(testing::MakePng(), {box}).bytes);
  EXPECT_TRUE(IsMosaic(is->pixels, box, 8));
}

// ---- metadata --------------------------------------------------------------------------------

std::string_view ExifOf(std::string_view bytes) {
  const std::size_t at = bytes.find(std::string_view("II*\0", 4));
  return at == bytes.npos ? std::string_view() : bytes.substr(at);
}

// Names of all tags that libexif finds, independent of our own reader.
std::set<std::string> ExifTags(std::string_view tiff) {
  const std::string block = std::string("Exif\0\0", 6).append(tiff);
  ExifData* data = exif_data_new();
  exif_data_unset_option(data, EXIF_DATA_OPTION_FOLLOW_SPECIFICATION);
  exif_data_load_data(data, reinterpret_cast<const unsigned char*>(block.data()),
                      static_cast<unsigned>(block.size()));
  std::set<std::string> tags;
  if (data->data != nullptr) tags.insert("thumbnail");
  for (int ifd = 0; ifd < EXIF_IFD_COUNT; ++ifd) {
    const ExifContent* content = data->ifd[ifd];
    for (unsigned i = 0; i < content->count; ++i) {
      const ExifTag tag = content->entries[i]->tag;
      const char* name = exif_tag_get_name_in_ifd(tag, static_cast<ExifIfd>(ifd));
      tags.insert(name != nullptr ? name : "?");
    }
  }
  exif_data_unref(data);
  return tags;
}

MakeImageOptions Private(int orientation) {
  MakeImageOptions options;
  options.orientation = orientation;
  options.private_metadata = true;
  options.colour_profile = true;
  return options;
}

const std::vector<std::vector<Box>> kWithAndWithoutBoxes = {{}, {{50, 50, 60, 70}}};

TEST(RedactTest, NothingPrivateIsLeftInAnyFormat) {
  for (const Maker make : kMakers) {
    for (const auto& boxes : kWithAndWithoutBoxes) {
      const std::string before = make(Private(1));
      const Redacted after = MustRedact(before, boxes);
      EXPECT_EQ(after.bytes.find(testing::kSecret), std::string::npos);
      EXPECT_THAT(ExifTags(ExifOf(after.bytes)), IsEmpty());
      // The embedded preview is a JPEG of its own.
      EXPECT_EQ(after.bytes.find("\xff\xd8\xff", 1), std::string::npos);
    }
  }
}

TEST(RedactTest, TheGeneratedFilesReallyHoldWhatIsToGo) {
  const std::string bytes = testing::MakeJpeg(Private(6));
  EXPECT_THAT(ExifTags(ExifOf(bytes)),
              IsSupersetOf({"thumbnail", "Orientation", "MakerNote", "GPSLatitude"}));
}

TEST(RedactTest, SaysWhatItRemoved) {
  const std::vector<std::string> exif = {"exif", "gps", "serial", "maker_note", "thumbnail"};
  for (const auto& boxes : kWithAndWithoutBoxes) {
    const auto jpeg = MustRedact(testing::MakeJpeg(Private(1)), boxes).stripped;
    EXPECT_THAT(jpeg, IsSupersetOf(exif));
    EXPECT_THAT(jpeg, IsSupersetOf({"xmp", "iptc", "comment", "trailing_data"}));
    const auto png = MustRedact(testing::MakePng(Private(1)), boxes).stripped;
    EXPECT_THAT(png, IsSupersetOf(exif));
    EXPECT_THAT(png, IsSupersetOf({"xmp", "comment"}));
    EXPECT_THAT(MustRedact(testing::MakeWebp(Private(1)), boxes).stripped, IsSupersetOf(exif));
    EXPECT_THAT(MustRedact(testing::MakeTiff(Private(1)), boxes).stripped, Contains("xmp"));
    EXPECT_THAT(MustRedact(testing::MakeJpeg(), boxes).stripped, IsEmpty());
    EXPECT_THAT(MustRedact(testing::MakePng(), boxes).stripped, IsEmpty());
    EXPECT_THAT(MustRedact(testing::MakeWebp(), boxes).stripped, IsEmpty());
  }
}

TEST(RedactTest, OrientationSurvivesAlone) {
  for (std::size_t i = 0; i + 1 < kMakers.size(); ++i) {
    for (const auto& boxes : kWithAndWithoutBoxes) {
      const Redacted after = MustRedact(kMakers[i](Private(6)), boxes);
      EXPECT_EQ(MustDecode(after.bytes)->orientation, 6);
      EXPECT_EQ(ExifTags(ExifOf(after.bytes)), std::set<std::string>{"Orientation"});
    }
  }
}

TEST(RedactTest, ColourProfileSurvives) {
  for (std::size_t i = 0; i < 3; ++i) {
    for (const auto& boxes : kWithAndWithoutBoxes) {
      const std::string after = MustRedact(kMakers[i](Private(1)), boxes).bytes;
      EXPECT_NE(after.find(testing::kProfile), std::string::npos) << i;
    }
  }
}

TEST(RedactTest, AFileWithoutMetadataAndBoxesPassesByteForByte) {
  for (std::size_t i = 0; i < 3; ++i) {
    const std::string before = kMakers[i]({});
    EXPECT_EQ(MustRedact(before, {}).bytes, before) << i;
  }
}

TEST(RedactTest, WithoutBoxesTheCodedPictureIsCopied) {
  MakeImageOptions bare;
  bare.colour_profile = true;
  for (std::size_t i = 0; i < 3; ++i) {
    const std::string after = MustRedact(kMakers[i](Private(1)), {}).bytes;
    EXPECT_EQ(after, kMakers[i](bare)) << i;
  }
}

// Found by fuzzing: libjpeg takes FF FF 00 within a scan for FF 00.
TEST(RedactTest, FillBytesWithinAScanDoNotEndThePicture) {
  std::string before = testing::MakeJpeg();
  const std::size_t stuffed = before.find(std::string_view("\xff\x00", 2), before.size() / 2);
  ASSERT_NE(stuffed, std::string::npos);
  before.insert(stuffed, "\xff\xff");
  EXPECT_EQ(MustRedact(before, {}).bytes, before);
}

// A file as a RIFF of these chunks.
std::string Riff(const std::vector<std::pair<std::string, std::string>>& chunks) {
  const auto size = [](std::size_t value) {
    std::string out;
    for (int shift = 0; shift < 32; shift += 8) out += static_cast<char>(value >> shift & 0xff);
    return out;
  };
  std::string body = "WEBP";
  for (const auto& [type, content] : chunks) {
    body += type + size(content.size()) + content + std::string(content.size() % 2, '\0');
  }
  return "RIFF" + size(body.size()) + body;
}

// Found by fuzzing: what decoders ignore must not come to life, nor travel along.
TEST(RedactTest, WebpKeepsNoPictureChunkThatDecodersIgnore) {
  MakeImageOptions options;
  options.lossless = false;
  const std::string plain = testing::MakeWebp(options);
  const std::string picture = plain.substr(20);
  const std::string header("\0\0\0\0\x3f\x01\0\xef\0\0", 10);
  const std::string secret(testing::kSecret);
  const std::string before =
      Riff({{"VP8X", header}, {"ALPH", secret}, {"VP8 ", picture}, {"junk", secret}});
  const Pixels pixels = MustDecode(plain)->pixels;
  ASSERT_EQ(MustDecode(before)->pixels.bgr, pixels.bgr);
  const Redacted after = MustRedact(before, {});
  EXPECT_EQ(MustDecode(after.bytes)->pixels.bgr, pixels.bgr);
  EXPECT_EQ(after.bytes.find(secret), std::string::npos);
  EXPECT_THAT(after.stripped, Contains("other"));
}

TEST(RedactTest, TiffAndBmpBecomePng) {
  for (const Maker make : {testing::MakeTiff, testing::MakeBmp}) {
    const Redacted after = MustRedact(make({}), {});
    EXPECT_EQ(after.format, ImageFormat::kPng);
    EXPECT_EQ(SniffFormat(after.bytes), ImageFormat::kPng);
    EXPECT_EQ(MustDecode(after.bytes)->pixels.bgr, testing::MakePixels().bgr);
  }
}

TEST(RedactTest, TheSameInputGivesTheSameBytes) {
  for (const Maker make : kMakers) {
    const std::string before = make(Private(3));
    const std::vector<Box> boxes = {{5, 5, 90, 90}};
    EXPECT_EQ(MustRedact(before, boxes).bytes, MustRedact(before, boxes).bytes);
  }
}

}  // namespace
}  // namespace winnow::image
