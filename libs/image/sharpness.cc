#include "libs/image/sharpness.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <opencv2/core.hpp>
#include <opencv2/core/hal/intrin.hpp>

#include "libs/image/artefacts.h"

namespace winnow::image {
namespace {

constexpr std::uint32_t kWorkingSide = 512;
constexpr std::uint32_t kBlock = 16;
constexpr std::uint32_t kNear = 1;  // half the distance of the two pixels compared
constexpr std::uint32_t kFar = 4;
constexpr std::uint32_t kDirections = 4;  // right, down, both diagonals
constexpr double kShareOfBlocks = 0.3;
// Mean squared differences to the right and down below which a block shows nothing: together
// about 6 grey levels.
constexpr float kMinEnergy = 32.0f;

struct BlockEnergy {
  const std::uint8_t* pixels = nullptr;
  float structure = 0;  // far energy to the right and down
  std::array<float, kDirections> near{};
  std::array<float, kDirections> far{};
};

Plane ToWorkingSize(const Plane& luma) {
  const std::uint32_t longest = std::max(luma.width, luma.height);
  const auto scaled = [longest](std::uint32_t side) {
    const double exact = static_cast<double>(side) * kWorkingSide / longest;
    return std::max<std::uint32_t>(1, static_cast<std::uint32_t>(std::lround(exact)));
  };
  Plane small{scaled(luma.width), scaled(luma.height), {}};
  const std::vector<float> values = Resample(luma, AreaWeights(luma.height, small.height),
                                             AreaWeights(luma.width, small.width));
  small.data.resize(values.size());
  std::transform(values.begin(), values.end(), small.data.begin(), [](float value) {
    return static_cast<std::uint8_t>(static_cast<std::int32_t>(value + 0.5f));
  });
  return small;
}

// The difference of 8 pixels to 8 others, squared and added in pairs.
cv::v_int32x4 SquaredDifferences(const std::uint8_t* a, const std::uint8_t* b) {
  const cv::v_int16x8 difference = cv::v_reinterpret_as_s16(cv::v_load_expand(a)) -
                                   cv::v_reinterpret_as_s16(cv::v_load_expand(b));
  return cv::v_dotprod(difference, difference);
}

// Mean squared difference of the pixels `offset` before and after each pixel of a block. Written
// for vectors by hand (portable ones, of OpenCV): gcc 12 unrolls the loop and leaves it scalar.
float DifferenceEnergy(const std::uint8_t* block, std::size_t stride, std::ptrdiff_t offset) {
  cv::v_int32x4 sum = cv::v_setzero_s32();
  for (std::uint32_t y = 0; y < kBlock; ++y, block += stride) {
    for (std::uint32_t x = 0; x < kBlock; x += 8) {
      sum += SquaredDifferences(block + offset + x, block - offset + x);
    }
  }
  return static_cast<float>(cv::v_reduce_sum(sum)) / (kBlock * kBlock);
}

float FarEnergy(const std::uint8_t* block, std::size_t stride, std::ptrdiff_t step, float noise) {
  return std::max(0.0f, DifferenceEnergy(block, stride, step * kFar) - noise);
}

std::vector<BlockEnergy> FindStructure(const Plane& plane, float noise) {
  std::vector<BlockEnergy> blocks;
  for (std::uint32_t y = kFar; y + kBlock + kFar <= plane.height; y += kBlock) {
    for (std::uint32_t x = kFar; x + kBlock + kFar <= plane.width; x += kBlock) {
      BlockEnergy block;
      block.pixels = plane.row(y) + x;
      block.structure = FarEnergy(block.pixels, plane.width, 1, noise) +
                        FarEnergy(block.pixels, plane.width, plane.width, noise);
      blocks.push_back(block);
    }
  }
  return blocks;
}

void KeepMostStructured(std::vector<BlockEnergy>& blocks) {
  const auto kept = static_cast<std::ptrdiff_t>(std::ceil(kShareOfBlocks * blocks.size()));
  // Ties are broken by place, so that the same blocks are kept on every machine.
  std::partial_sort(blocks.begin(), blocks.begin() + kept, blocks.end(),
                    [](const BlockEnergy& a, const BlockEnergy& b) {
                      return a.structure != b.structure ? a.structure > b.structure
                                                        : a.pixels < b.pixels;
                    });
  blocks.erase(blocks.begin() + kept, blocks.end());
  std::erase_if(blocks, [](const BlockEnergy& block) { return block.structure < kMinEnergy; });
}

void MeasureDirections(BlockEnergy& block, std::size_t stride, float noise) {
  const auto line = static_cast<std::ptrdiff_t>(stride);
  const std::array<std::ptrdiff_t, kDirections> steps = {1, line, line + 1, line - 1};
  for (std::uint32_t d = 0; d < kDirections; ++d) {
    const float near = DifferenceEnergy(block.pixels, stride, steps[d] * kNear);
    block.near[d] = std::max(0.0f, near - noise);
    block.far[d] = FarEnergy(block.pixels, stride, steps[d], noise);
  }
}

// near/far of the block at the middle of the far energy; 1 if this direction has none, since then
// it cannot be the blurred one.
float MedianRatio(const std::vector<BlockEnergy>& blocks, std::uint32_t direction) {
  struct Weighted {
    float ratio;
    float weight;
  };
  std::vector<Weighted> ratios;
  double sum = 0;
  for (const BlockEnergy& block : blocks) {
    if (block.far[direction] <= 0) continue;
    ratios.push_back({block.near[direction] / block.far[direction], block.far[direction]});
    sum += block.far[direction];
  }
  std::stable_sort(ratios.begin(), ratios.end(),
                   [](const Weighted& a, const Weighted& b) { return a.ratio < b.ratio; });
  double below = 0;
  for (const Weighted& entry : ratios) {
    below += entry.weight;
    if (below >= sum / 2) return entry.ratio;
  }
  return 1.0f;
}

// 1/16, the slope, becomes 0; the rest is spread so that ordinary sharp photographs lie near 0.7.
double Normalised(float ratio) {
  const double above_slope = std::max(0.0, kFar * std::sqrt(ratio) - 1.0);
  return 1.0 - std::exp(-1.5 * above_slope);
}

}  // namespace

double Sharpness(const Plane& luma) {
  if (std::max(luma.width, luma.height) > kWorkingSide) return Sharpness(ToWorkingSize(luma));
  const auto sigma = static_cast<float>(NoiseSigma(luma));
  const float noise = 2 * sigma * sigma;  // in a squared difference of two pixels
  std::vector<BlockEnergy> blocks = FindStructure(luma, noise);
  KeepMostStructured(blocks);
  if (blocks.empty()) return 0;
  for (BlockEnergy& block : blocks) MeasureDirections(block, luma.width, noise);
  float worst = 1.0f;
  for (std::uint32_t d = 0; d < kDirections; ++d) worst = std::min(worst, MedianRatio(blocks, d));
  return Normalised(worst);
}

}  // namespace winnow::image
