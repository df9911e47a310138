#include "libs/image/decode.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <functional>

#include "libs/testing/images.h"

namespace winnow::image {
namespace {

using record::ImageFormat;
using record::Reason;
using testing::Chroma;
using testing::MakeImageOptions;

constexpr std::array kAllChroma = {Chroma::k444, Chroma::k422, Chroma::k420, Chroma::kGrey,
                                   Chroma::kCmyk};

using Maker = std::string (*)(const MakeImageOptions&);
struct Kind {
  ImageFormat format;
  Maker make;
};
const std::vector<Kind> kKinds = {{ImageFormat::kJpeg, testing::MakeJpeg},
                                  {ImageFormat::kPng, testing::MakePng},
                                  {ImageFormat::kWebp, testing::MakeWebp},
                                  {ImageFormat::kTiff, testing::MakeTiff},
                                  {ImageFormat::kBmp, testing::MakeBmp}};

double MeanDifference(const Pixels& a, const Pixels& b) {
  if (a.bgr.size() != b.bgr.size() || a.width != b.width) return 255;
  double sum = 0;
  for (std::size_t i = 0; i < a.bgr.size(); ++i) sum += std::abs(a.bgr[i] - b.bgr[i]);
  return sum / static_cast<double>(a.bgr.size());
}

Reason FaultOf(std::string_view bytes, const DecodeLimits& limits = {}) {
  const Decoded decoded = Decode(bytes, limits);
  EXPECT_EQ(decoded.frame == nullptr, decoded.fault != Reason::kNone);
  EXPECT_EQ(decoded.detail.empty(), decoded.fault == Reason::kNone);
  return decoded.fault;
}

TEST(DecodeTest, ReadsEveryFormatByItsContent) {
  for (const Kind& kind : kKinds) {
    const std::string bytes = kind.make({});
    EXPECT_EQ(SniffFormat(bytes), kind.format);
    const Decoded decoded = Decode(bytes, {});
    ASSERT_NE(decoded.frame, nullptr) << record::Name(kind.format) << decoded.detail;
    EXPECT_EQ(decoded.frame->format, kind.format);
    const double allowed = kind.format == ImageFormat::kJpeg ? 6 : 0;
    EXPECT_LE(MeanDifference(decoded.frame->pixels, testing::MakePixels()), allowed)
        << record::Name(kind.format);
  }
}

TEST(DecodeTest, ReadsOddSizes) {
  for (const Kind& kind : kKinds) {
    for (const auto& [width, height] : {std::pair(1u, 1u), {17u, 9u}, {8u, 33u}}) {
      MakeImageOptions options;
      options.width = width;
      options.height = height;
      const Decoded decoded = Decode(kind.make(options), {});
      ASSERT_NE(decoded.frame, nullptr) << record::Name(kind.format) << decoded.detail;
      EXPECT_EQ(decoded.frame->pixels.width, width);
      EXPECT_EQ(decoded.frame->pixels.height, height);
      EXPECT_EQ(decoded.frame->pixels.bgr.size(), std::size_t{width} * height * 3);
    }
  }
}

TEST(DecodeTest, ReadsEveryKindOfJpeg) {
  for (const Chroma chroma : kAllChroma) {
    for (const bool progressive : {false, true}) {
      for (const bool arithmetic : {false, true}) {
        MakeImageOptions options;
        options.chroma = chroma;
        options.progressive = progressive;
        options.arithmetic = arithmetic;
        options.restart_interval = 5;
        const Decoded decoded = Decode(testing::MakeJpeg(options), {});
        ASSERT_NE(decoded.frame, nullptr) << decoded.detail;
        const double allowed = chroma == Chroma::kGrey ? 60 : 6;
        EXPECT_LE(MeanDifference(decoded.frame->pixels, testing::MakePixels()), allowed);
      }
    }
  }
}

TEST(DecodeTest, PutsTransparentPicturesOnWhite) {
  for (const Kind& kind : {kKinds[1], kKinds[2]}) {
    for (const bool interlaced : {false, true}) {
      MakeImageOptions options;
      options.alpha = true;
      options.interlaced = interlaced;
      const Decoded decoded = Decode(kind.make(options), {});
      ASSERT_NE(decoded.frame, nullptr) << decoded.detail;
      Pixels expected = testing::MakePixels(options);
      for (std::size_t i = 0; i < expected.bgr.size(); ++i) {
        if (i / 3 % expected.width < expected.width / 2) continue;
        const int over_white = (expected.bgr[i] * 128 + 255 * 127 + 127) / 255;
        expected.bgr[i] = static_cast<std::uint8_t>(over_white);
      }
      EXPECT_EQ(decoded.frame->pixels.bgr, expected.bgr) << record::Name(kind.format);
    }
  }
}

TEST(DecodeTest, ReadsLossyWebp) {
  MakeImageOptions options;
  options.lossless = false;
  const Decoded decoded = Decode(testing::MakeWebp(options), {});
  ASSERT_NE(decoded.frame, nullptr) << decoded.detail;
  EXPECT_LE(MeanDifference(decoded.frame->pixels, testing::MakePixels()), 8);
}

TEST(DecodeTest, ReadsTheOrientationAndLeavesPixelsAsStored) {
  for (const Kind& kind : kKinds) {
    if (kind.format == ImageFormat::kBmp) continue;
    const Decoded upright = Decode(kind.make({}), {});
    for (int orientation = 1; orientation <= 8; ++orientation) {
      MakeImageOptions options;
      options.orientation = orientation;
      options.private_metadata = orientation % 2 == 0;
      const Decoded decoded = Decode(kind.make(options), {});
      ASSERT_NE(decoded.frame, nullptr) << decoded.detail;
      EXPECT_EQ(decoded.frame->orientation, orientation) << record::Name(kind.format);
      EXPECT_EQ(decoded.frame->pixels.bgr, upright.frame->pixels.bgr);
    }
  }
}

TEST(DecodeTest, CallsNoBytesAnEmptyFile) { EXPECT_EQ(FaultOf(""), Reason::kEmptyFile); }

TEST(DecodeTest, RefusesWhatItDoesNotKnow) {
  EXPECT_EQ(FaultOf("GIF89a and so on"), Reason::kUnsupportedFormat);
  EXPECT_EQ(FaultOf("BMW is not a bitmap, whatever its first letters"), Reason::kUnsupportedFormat);
  EXPECT_EQ(FaultOf("x"), Reason::kUnsupportedFormat);
}

TEST(DecodeTest, RefusesMoreBytesThanAllowed) {
  DecodeLimits limits;
  limits.max_bytes = 1000;
  EXPECT_EQ(FaultOf(testing::MakeJpeg(), limits), Reason::kTooManyBytes);
}

TEST(DecodeTest, RefusesMorePixelsThanAllowed) {
  DecodeLimits limits;
  limits.max_pixels = 320 * 240 - 1;
  for (const Kind& kind : kKinds) {
    EXPECT_EQ(FaultOf(kind.make({}), limits), Reason::kTooManyPixels) << record::Name(kind.format);
    limits.max_pixels += 1;
    EXPECT_EQ(FaultOf(kind.make({}), limits), Reason::kNone) << record::Name(kind.format);
    limits.max_pixels -= 1;
  }
}

// All but BMP spend time worth stopping.
TEST(DecodeTest, GivesUpWhenItsTimeIsUp) {
  DecodeLimits limits;
  limits.max_seconds = -1;
  for (const Kind& kind : kKinds) {
    if (kind.format == ImageFormat::kBmp) continue;
    EXPECT_EQ(FaultOf(kind.make({}), limits), Reason::kDecodeTimeout) << record::Name(kind.format);
  }
}

TEST(DecodeTest, CallsEveryCutFileTruncated) {
  for (const Kind& kind : kKinds) {
    const std::string whole = kind.make({});
    for (const double share : {0.3, 0.6, 0.95}) {
      const auto size = static_cast<std::size_t>(share * static_cast<double>(whole.size()));
      EXPECT_EQ(FaultOf(std::string_view(whole).substr(0, size)), Reason::kTruncated)
          << record::Name(kind.format) << " " << share;
    }
  }
}

TEST(DecodeTest, NeverTakesACutJpegForAWholeOne) {
  MakeImageOptions options;
  options.width = 64;
  options.height = 48;
  for (const bool progressive : {false, true}) {
    options.progressive = progressive;
    const std::string whole = testing::MakeJpeg(options);
    for (std::size_t size = 1; size < whole.size(); ++size) {
      EXPECT_NE(FaultOf(std::string_view(whole).substr(0, size)), Reason::kNone) << size;
    }
  }
}

TEST(DecodeTest, CallsAJpegThatEndsTooSoonTruncatedEvenIfItIsClosed) {
  const std::string whole = testing::MakeJpeg();
  EXPECT_EQ(FaultOf(whole.substr(0, whole.size() / 2) + "\xff\xd9"), Reason::kTruncated);
}

TEST(DecodeTest, FindsAZeroedTail) {
  for (const Kind& kind : kKinds) {
    if (kind.format == ImageFormat::kBmp) continue;  // any samples are a picture
    std::string bytes = kind.make({});
    const std::size_t size = bytes.size();
    bytes.resize(size * 6 / 10);
    bytes.resize(size, '\0');
    EXPECT_NE(FaultOf(bytes), Reason::kNone) << record::Name(kind.format);
  }
}

TEST(DecodeTest, CallsDamagedPictureDataCorrupt) {
  std::string png = testing::MakePng();
  png[png.size() / 2] = static_cast<char>(png[png.size() / 2] ^ 0x55);
  EXPECT_EQ(FaultOf(png), Reason::kCorrupt);
  std::string jpeg = testing::MakeJpeg();
  jpeg.insert(jpeg.size() / 2, jpeg.substr(jpeg.size() / 4, 1000));
  EXPECT_EQ(FaultOf(jpeg), Reason::kCorrupt);
}

// Big-endian size in the frame header, 5 bytes behind SOF0.
std::string WithJpegSize(std::string bytes, std::uint32_t width, std::uint32_t height) {
  const std::size_t at = bytes.find("\xff\xc0") + 5;
  bytes[at] = static_cast<char>(height >> 8);
  bytes[at + 1] = static_cast<char>(height & 0xff);
  bytes[at + 2] = static_cast<char>(width >> 8);
  bytes[at + 3] = static_cast<char>(width & 0xff);
  return bytes;
}

TEST(DecodeTest, DoesNotAllocateForASizeTheBytesCannotHold) {
  const std::string bytes = testing::MakeJpeg();
  EXPECT_EQ(FaultOf(WithJpegSize(bytes, 56321, 7789)), Reason::kTooManyPixels);
  DecodeLimits limits;
  limits.max_pixels = 1ull << 40;
  const Decoded decoded = Decode(WithJpegSize(bytes, 56321, 7789), limits);
  EXPECT_EQ(decoded.fault, Reason::kTruncated);
  EXPECT_NE(decoded.detail.find("cannot hold"), std::string::npos) << decoded.detail;
}

// A dozen bytes make the decoder pass over the whole picture: one code, "1200 blocks without AC
// terms", is all that a scan of 320x240 grey pixels needs.
TEST(DecodeTest, StopsAtThousandsOfScans) {
  MakeImageOptions options;
  options.progressive = true;
  options.chroma = Chroma::kGrey;
  std::string bytes = testing::MakeJpeg(options);
  bytes.resize(bytes.size() - 2);
  bytes += std::string("\xff\xc4\x00\x14\x10\x01", 6) + std::string(15, '\0') + '\xa0';
  const std::string scan("\xff\xda\x00\x08\x01\x01\x00\x01\x3f\x00\x16\x1f", 12);
  const std::string few = bytes + scan + scan;
  EXPECT_EQ(FaultOf(few + "\xff\xd9"), Reason::kNone);
  for (int i = 0; i < 600; ++i) bytes += scan;
  const Decoded decoded = Decode(bytes + "\xff\xd9", {});
  EXPECT_EQ(decoded.fault, Reason::kDecodeTimeout);
  EXPECT_NE(decoded.detail.find("scans"), std::string::npos) << decoded.detail;
}

}  // namespace
}  // namespace winnow::image
