#include "libs/image/encode.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "libs/image/decode.h"
#include "libs/testing/images.h"

namespace winnow::image {
namespace {

Pixels Picture() {
  testing::MakeImageOptions options;
  options.width = 123;
  options.height = 77;
  return testing::MakePixels(options);
}

Frame DecodedFrame(const Result<std::string>& file) {
  EXPECT_TRUE(file.has_value());
  const Decoded decoded = Decode(*file, {});
  EXPECT_NE(decoded.frame, nullptr) << decoded.detail;
  return decoded.frame ? *decoded.frame : Frame();
}

double MeanError(const Pixels& a, const Pixels& b) {
  if (a.bgr.size() != b.bgr.size()) return 255;
  double sum = 0;
  for (std::size_t i = 0; i < a.bgr.size(); ++i) sum += std::abs(int{a.bgr[i]} - int{b.bgr[i]});
  return sum / static_cast<double>(a.bgr.size());
}

TEST(EncodeTest, WritesPngWithoutLoss) {
  const Frame frame = DecodedFrame(EncodePng(Picture()));
  EXPECT_EQ(frame.format, record::ImageFormat::kPng);
  EXPECT_EQ(frame.pixels.bgr, Picture().bgr);
}

TEST(EncodeTest, LosesMoreAtALowerQuality) {
  using Encode = Result<std::string> (*)(const Pixels&, int);
  for (const auto& [encode, format] :
       {std::pair<Encode, record::ImageFormat>{EncodeJpeg, record::ImageFormat::kJpeg},
        {EncodeWebp, record::ImageFormat::kWebp}}) {
    const Frame fine = DecodedFrame(encode(Picture(), 95));
    const Frame coarse = DecodedFrame(encode(Picture(), 20));
    EXPECT_EQ(fine.format, format);
    EXPECT_LT(MeanError(fine.pixels, Picture()), 12);
    EXPECT_LT(MeanError(fine.pixels, Picture()), MeanError(coarse.pixels, Picture()));
  }
}

TEST(EncodeTest, RefusesAnEmptyPicture) {
  EXPECT_FALSE(EncodeJpeg({}, 90));
  EXPECT_FALSE(EncodePng({}));
  EXPECT_FALSE(EncodeWebp({}, 90));
}

TEST(EncodeTest, RefusesWhatTheFormatCannotHold) {
  const Pixels wide{70'000, 1, std::vector<std::uint8_t>(70'000 * 3)};
  EXPECT_FALSE(EncodeJpeg(wide, 90));
  EXPECT_FALSE(EncodeWebp(wide, 90));
  EXPECT_TRUE(EncodePng(wide));
}

}  // namespace
}  // namespace winnow::image
