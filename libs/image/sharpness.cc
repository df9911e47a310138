#include "libs/image/sharpness.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

#include "libs/image/artefacts.h"

namespace winnow::image {
namespace {

constexpr std::uint32_t kWorkingSide = 512;
constexpr std::uint32_t kBlock = 16;
constexpr std::uint32_t kNear = 1;  // half the distance of the two pixels compared
constexpr std::uint32_t kFar = 4;
constexpr std::uint32_t kDirections = 4;  // right, down, both diagonals
constexpr double kShareOfBlocks = 0.3;
// Mean squared differences over all directions below which a block shows nothing: 8 grey levels.
constexpr float kMinEnergy = 64.0f;

struct BlockEnergy {
  std::array<float, kDirections> near{};
  std::array<float, kDirections> far{};
  float total = 0;  // of far
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
  small.data.reserve(values.size());
  for (const float value : values) small.data.push_back(static_cast<std::uint8_t>(value + 0.5f));
  return small;
}

// Mean squared difference of the pixels `offset` before and after each pixel of a block.
float DifferenceEnergy(const std::uint8_t* block, std::size_t stride, std::ptrdiff_t offset) {
  std::int32_t sum = 0;
  for (std::uint32_t y = 0; y < kBlock; ++y, block += stride) {
    for (std::uint32_t x = 0; x < kBlock; ++x) {
      const std::int32_t difference = block[x + offset] - block[x - offset];
      sum += difference * difference;
    }
  }
  return static_cast<float>(sum) / (kBlock * kBlock);
}

BlockEnergy Measure(const std::uint8_t* block, std::size_t stride, float noise_energy) {
  const auto line = static_cast<std::ptrdiff_t>(stride);
  const std::array<std::ptrdiff_t, kDirections> steps = {1, line, line + 1, line - 1};
  BlockEnergy energy;
  for (std::uint32_t d = 0; d < kDirections; ++d) {
    const float near = DifferenceEnergy(block, stride, steps[d] * kNear);
    const float far = DifferenceEnergy(block, stride, steps[d] * kFar);
    energy.near[d] = std::max(0.0f, near - noise_energy);
    energy.far[d] = std::max(0.0f, far - noise_energy);
    energy.total += energy.far[d];
  }
  return energy;
}

std::vector<BlockEnergy> MeasureBlocks(const Plane& plane, float noise_energy) {
  std::vector<BlockEnergy> blocks;
  for (std::uint32_t y = kFar; y + kBlock + kFar <= plane.height; y += kBlock) {
    for (std::uint32_t x = kFar; x + kBlock + kFar <= plane.width; x += kBlock) {
      blocks.push_back(Measure(plane.row(y) + x, plane.width, noise_energy));
    }
  }
  return blocks;
}

void KeepMostStructured(std::vector<BlockEnergy>& blocks) {
  const auto kept = static_cast<std::ptrdiff_t>(std::ceil(kShareOfBlocks * blocks.size()));
  // Ties are common in synthetic pictures; blocks with equal energy give equal ratios more often
  // than not, and the order is the same on every run.
  std::stable_sort(blocks.begin(), blocks.end(),
                   [](const BlockEnergy& a, const BlockEnergy& b) { return a.total > b.total; });
  blocks.erase(blocks.begin() + kept, blocks.end());
  std::erase_if(blocks, [](const BlockEnergy& block) { return block.total < kMinEnergy; });
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
  std::vector<BlockEnergy> blocks = MeasureBlocks(luma, 2 * sigma * sigma);
  KeepMostStructured(blocks);
  if (blocks.empty()) return 0;
  float worst = 1.0f;
  for (std::uint32_t d = 0; d < kDirections; ++d) worst = std::min(worst, MedianRatio(blocks, d));
  return Normalised(worst);
}

}  // namespace winnow::image
