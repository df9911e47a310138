#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

#include "libs/eval/ladder.h"
#include "libs/image/encode.h"

namespace winnow::eval {
namespace {

using cv::Mat;

// Of copies that change pixels; what a photo site or an editor writes.
constexpr int kUsualQuality = 90;

Mat Same(const Mat& picture, double) { return picture; }

Mat Resize(const Mat& picture, double share) {
  Mat out;
  cv::resize(picture, out, {}, share, share, cv::INTER_AREA);
  return out;
}

// `share` of each side goes, half of it at either end.
Mat Crop(const Mat& picture, double share) {
  const int x = static_cast<int>(std::lround(picture.cols * share / 2));
  const int y = static_cast<int>(std::lround(picture.rows * share / 2));
  return picture({x, y, picture.cols - 2 * x, picture.rows - 2 * y});
}

// Black, `share` of the shorter side, on all four.
Mat Border(const Mat& picture, double share) {
  const int width = static_cast<int>(std::lround(std::min(picture.rows, picture.cols) * share));
  Mat out;
  cv::copyMakeBorder(picture, out, width, width, width, width, cv::BORDER_CONSTANT);
  return out;
}

Mat Brightness(const Mat& picture, double grey_levels) {
  Mat out;
  picture.convertTo(out, -1, 1, grey_levels);
  return out;
}

// About middle grey.
Mat Contrast(const Mat& picture, double gain) {
  Mat out;
  picture.convertTo(out, -1, gain, 128 * (1 - gain));
  return out;
}

Mat Gamma(const Mat& picture, double exponent) {
  Mat curve(1, 256, CV_8U);
  for (int i = 0; i < 256; ++i) {
    curve.at<std::uint8_t>(i) =
        cv::saturate_cast<std::uint8_t>(255 * std::pow(i / 255.0, exponent));
  }
  Mat out;
  cv::LUT(picture, curve, out);
  return out;
}

// White on a black outline, across the lower third; letters `share` of the picture's height high.
Mat Text(const Mat& picture, double share) {
  constexpr int kFont = cv::FONT_HERSHEY_DUPLEX;
  constexpr double kLetterPixels = 21;  // of this font at scale 1
  const double height = picture.rows * share;
  const double scale = height / kLetterPixels;
  const int stroke = std::max(1, static_cast<int>(height / 10));
  const cv::Size size = cv::getTextSize("SAMPLE", kFont, scale, stroke, nullptr);
  const cv::Point at((picture.cols - size.width) / 2, picture.rows * 5 / 6);
  Mat out = picture.clone();
  cv::putText(out, "SAMPLE", at, kFont, scale, {0, 0, 0}, 3 * stroke, cv::LINE_AA);
  cv::putText(out, "SAMPLE", at, kFont, scale, {255, 255, 255}, stroke, cv::LINE_AA);
  return out;
}

// Gaussian; `sigma` in pixels of a picture whose longer side is 640.
Mat Blur(const Mat& picture, double sigma) {
  Mat out;
  cv::GaussianBlur(picture, out, {}, sigma * std::max(picture.rows, picture.cols) / 640);
  return out;
}

Mat Grey(const Mat& picture, double) {
  Mat grey, out;
  cv::cvtColor(picture, grey, cv::COLOR_BGR2GRAY);
  cv::cvtColor(grey, out, cv::COLOR_GRAY2BGR);
  return out;
}

Mat Flip(const Mat& picture, double axis) {
  Mat out;
  cv::flip(picture, out, static_cast<int>(axis));
  return out;
}

Mat Rotate(const Mat& picture, double code) {
  Mat out;
  cv::rotate(picture, out, static_cast<int>(code));
  return out;
}

// Clockwise about the middle, at the same size; black corners.
Mat Tilt(const Mat& picture, double degrees) {
  const cv::Point2f middle(static_cast<float>(picture.cols - 1) / 2,
                           static_cast<float>(picture.rows - 1) / 2);
  Mat out;
  cv::warpAffine(picture, out, cv::getRotationMatrix2D(middle, -degrees, 1), picture.size());
  return out;
}

enum class Coding { kJpeg, kPng, kWebp };

struct Step {
  Rung rung;
  Mat (*change)(const Mat&, double);
  double amount;
  Coding coding = Coding::kJpeg;
  int quality = kUsualQuality;
};

constexpr double kLeftRight = 1, kTopBottom = 0;  // of cv::flip

constexpr std::array kSteps = {
    Step{{"png", "lossless"}, Same, 0, Coding::kPng},
    Step{{"jpeg", "quality 95"}, Same, 0, Coding::kJpeg, 95},
    Step{{"jpeg", "quality 75"}, Same, 0, Coding::kJpeg, 75},
    Step{{"jpeg", "quality 50"}, Same, 0, Coding::kJpeg, 50},
    Step{{"jpeg", "quality 30"}, Same, 0, Coding::kJpeg, 30},
    Step{{"jpeg", "quality 20"}, Same, 0, Coding::kJpeg, 20},
    Step{{"webp", "quality 80"}, Same, 0, Coding::kWebp, 80},
    Step{{"webp", "quality 50"}, Same, 0, Coding::kWebp, 50},
    Step{{"resize", "75 %"}, Resize, 0.75},
    Step{{"resize", "50 %"}, Resize, 0.5},
    Step{{"resize", "25 %"}, Resize, 0.25},
    Step{{"resize", "15 %"}, Resize, 0.15},
    Step{{"crop", "2 %"}, Crop, 0.02},
    Step{{"crop", "5 %"}, Crop, 0.05},
    Step{{"crop", "10 %"}, Crop, 0.1},
    Step{{"crop", "20 %"}, Crop, 0.2},
    Step{{"border", "2 %"}, Border, 0.02},
    Step{{"border", "5 %"}, Border, 0.05},
    Step{{"border", "10 %"}, Border, 0.1},
    Step{{"border", "20 %"}, Border, 0.2},
    Step{{"brightness", "-60"}, Brightness, -60},
    Step{{"brightness", "-30"}, Brightness, -30},
    Step{{"brightness", "+30"}, Brightness, 30},
    Step{{"brightness", "+60"}, Brightness, 60},
    Step{{"contrast", "x 0.6"}, Contrast, 0.6},
    Step{{"contrast", "x 1.5"}, Contrast, 1.5},
    Step{{"gamma", "0.5"}, Gamma, 0.5},
    Step{{"gamma", "2"}, Gamma, 2},
    Step{{"grey", ""}, Grey, 0},
    Step{{"text", "5 %"}, Text, 0.05},
    Step{{"text", "10 %"}, Text, 0.1},
    Step{{"text", "20 %"}, Text, 0.2},
    Step{{"blur", "sigma 1"}, Blur, 1},
    Step{{"blur", "sigma 2"}, Blur, 2},
    Step{{"blur", "sigma 4"}, Blur, 4},
    Step{{"tilt", "1 degree"}, Tilt, 1},
    Step{{"tilt", "2 degrees"}, Tilt, 2},
    Step{{"tilt", "5 degrees"}, Tilt, 5},
    Step{{"tilt", "10 degrees"}, Tilt, 10},
    Step{{"mirror", ""}, Flip, kLeftRight},
    Step{{"flip", ""}, Flip, kTopBottom},
    Step{{"rotate", "90 degrees"}, Rotate, cv::ROTATE_90_CLOCKWISE},
    Step{{"rotate", "180 degrees"}, Rotate, cv::ROTATE_180},
    Step{{"rotate", "270 degrees"}, Rotate, cv::ROTATE_90_COUNTERCLOCKWISE},
};

image::Pixels PixelsOf(const Mat& picture) {
  const Mat packed = picture.isContinuous() ? picture : picture.clone();
  const std::uint8_t* const first = packed.data;
  return {static_cast<std::uint32_t>(packed.cols), static_cast<std::uint32_t>(packed.rows),
          {first, first + packed.total() * packed.elemSize()}};
}

Result<Copy> Code(const image::Pixels& pixels, const Step& step) {
  Copy copy;
  switch (step.coding) {
    case Coding::kJpeg: {
      WINNOW_ASSIGN_OR_RETURN(copy.bytes, image::EncodeJpeg(pixels, step.quality));
      copy.extension = ".jpg";
      break;
    }
    case Coding::kPng: {
      WINNOW_ASSIGN_OR_RETURN(copy.bytes, image::EncodePng(pixels));
      copy.extension = ".png";
      break;
    }
    case Coding::kWebp: {
      WINNOW_ASSIGN_OR_RETURN(copy.bytes, image::EncodeWebp(pixels, step.quality));
      copy.extension = ".webp";
      break;
    }
  }
  return copy;
}

}  // namespace

const std::vector<Rung>& Rungs() {
  static const std::vector<Rung> rungs = [] {
    std::vector<Rung> all;
    for (const Step& step : kSteps) all.push_back(step.rung);
    return all;
  }();
  return rungs;
}

Result<Copy> MakeCopy(const image::Pixels& upright, std::size_t rung) {
  if (upright.bgr.empty()) return InputError("there are no copies of an empty picture");
  const Step& step = kSteps.at(rung);
  try {
    // OpenCV has no const view; the source is only read.
    const Mat picture(static_cast<int>(upright.height), static_cast<int>(upright.width), CV_8UC3,
                      const_cast<std::uint8_t*>(upright.bgr.data()));
    return Code(PixelsOf(step.change(picture, step.amount)), step);
  } catch (const cv::Exception& error) {
    return InputError(std::string("cannot make a copy of the picture: ") + error.what());
  }
}

}  // namespace winnow::eval
