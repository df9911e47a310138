#include "libs/image/artefacts.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <numbers>
#include <numeric>
#include <opencv2/core.hpp>
#include <opencv2/core/hal/intrin.hpp>

namespace winnow::image {
namespace {

constexpr std::uint32_t kTile = 64;
constexpr std::uint32_t kTilesPerAxis = 8;
constexpr std::uint32_t kLattice = 8;  // JPEG block side

// Where the tiles begin along one axis, on multiples of the lattice.
std::vector<std::uint32_t> TileStarts(std::uint32_t length) {
  if (length <= kTile) return {0};
  const std::uint32_t last = length - kTile;
  const std::uint32_t count = std::min(kTilesPerAxis, length / kTile);
  std::vector<std::uint32_t> starts;
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint64_t start = count == 1 ? 0 : std::uint64_t{last} * i / (count - 1);
    starts.push_back(static_cast<std::uint32_t>(start / kLattice * kLattice));
  }
  return starts;
}

// ---- noise ---------------------------------------------------------------------------------

constexpr std::uint32_t kNoiseBlock = 16;
constexpr double kSmoothShare = 0.1;
// Blocks this near to black or white have lost part of their noise to clipping.
constexpr std::int32_t kDarkest = 12;
constexpr std::int32_t kLightest = 243;
// The smoothest tenth of pure-noise blocks measures less than the true sigma by this factor
// (generated noise of sigma 2 to 30).
constexpr double kSelectionBias = 0.91;

struct BlockNoise {
  std::int32_t response = 0;  // sum of |operator|
  std::int32_t luma = 0;      // sum
};

BlockNoise MeasureNoise(const std::uint8_t* block, std::size_t stride) {
  BlockNoise noise;
  for (std::uint32_t y = 0; y < kNoiseBlock; ++y, block += stride) {
    const std::uint8_t* above = block - stride;
    const std::uint8_t* below = block + stride;
    for (std::int32_t x = 0; x < static_cast<std::int32_t>(kNoiseBlock); ++x) {
      const std::int32_t edges = above[x] + below[x] + block[x - 1] + block[x + 1];
      const std::int32_t corners = above[x - 1] + above[x + 1] + below[x - 1] + below[x + 1];
      noise.response += std::abs(corners - 2 * edges + 4 * block[x]);
      noise.luma += block[x];
    }
  }
  return noise;
}

void MeasureTileNoise(const Plane& luma, std::uint32_t left, std::uint32_t top,
                      std::vector<std::int32_t>& unclipped, std::vector<std::int32_t>& all) {
  constexpr std::int32_t kPixels = kNoiseBlock * kNoiseBlock;
  const std::uint32_t right = std::min(luma.width - 1, left + kTile);
  const std::uint32_t bottom = std::min(luma.height - 1, top + kTile);
  for (std::uint32_t y = top + 1; y + kNoiseBlock <= bottom; y += kNoiseBlock) {
    for (std::uint32_t x = left + 1; x + kNoiseBlock <= right; x += kNoiseBlock) {
      const BlockNoise noise = MeasureNoise(luma.row(y) + x, luma.width);
      all.push_back(noise.response);
      const bool clipped =
          noise.luma < kDarkest * kPixels || noise.luma > kLightest * kPixels;
      if (!clipped) unclipped.push_back(noise.response);
    }
  }
}

// ---- blockiness ----------------------------------------------------------------------------

using PhaseSums = std::array<std::int64_t, kLattice>;

// One grey level (the measured step is doubled): what nobody sees is not blockiness.
constexpr double kInvisibleStep = 2.0;

// Eight neighbouring pixels, one per phase of the lattice.
cv::v_int16x8 LoadEight(const std::uint8_t* p) {
  return cv::v_reinterpret_as_s16(cv::v_load_expand(p));
}

// Twice the step between p[-across] and p[0] in excess of the slope around it, for the eight
// pixels from p on.
cv::v_int16x8 ExcessSteps(const std::uint8_t* p, std::ptrdiff_t across) {
  const cv::v_int16x8 step = LoadEight(p) - LoadEight(p - across);
  const cv::v_int16x8 around = LoadEight(p + across) - LoadEight(p - 2 * across);
  return cv::v_reinterpret_as_s16(cv::v_abs(step + step + step - around));
}

void AddTileSteps(const Plane& luma, std::uint32_t left, std::uint32_t top, PhaseSums& columns,
                  PhaseSums& rows) {
  const std::uint32_t right = std::min(luma.width, left + kTile) / kLattice * kLattice;
  const std::uint32_t bottom = std::min(luma.height, top + kTile) / kLattice * kLattice;
  const auto line = static_cast<std::ptrdiff_t>(luma.width);
  // The outer lattice cells are left out: their steps reach outside of the tile.
  for (std::uint32_t y = top + kLattice; y + kLattice < bottom; ++y) {
    // At most 6 cells of 4 x 255 each: 16 bits hold the sums.
    cv::v_int16x8 along = cv::v_setzero_s16();
    cv::v_int16x8 down = cv::v_setzero_s16();
    for (std::uint32_t x = left + kLattice; x + kLattice < right; x += kLattice) {
      along += ExcessSteps(luma.row(y) + x, 1);
      down += ExcessSteps(luma.row(y) + x, line);
    }
    std::array<std::int16_t, kLattice> by_phase;
    cv::v_store(by_phase.data(), along);
    for (std::uint32_t phase = 0; phase < kLattice; ++phase) columns[phase] += by_phase[phase];
    cv::v_store(by_phase.data(), down);
    rows[y % kLattice] += std::accumulate(by_phase.begin(), by_phase.end(), 0);
  }
}

double ExcessShare(const PhaseSums& sums, double samples_per_phase) {
  PhaseSums sorted = sums;
  std::sort(sorted.begin(), sorted.end());
  const double worst = static_cast<double>(sorted.back()) / samples_per_phase;
  const double typical = static_cast<double>(sorted[kLattice / 2]) / samples_per_phase;
  return std::max(0.0, (worst - typical) / (worst + kInvisibleStep));
}

// Pixels AddTileSteps looks at along one axis.
std::uint64_t SampledLength(std::uint32_t length) {
  std::uint64_t sum = 0;
  for (const std::uint32_t start : TileStarts(length)) {
    const std::uint32_t end = std::min(length, start + kTile) / kLattice * kLattice;
    if (end > start + 2 * kLattice) sum += end - start - 2 * kLattice;
  }
  return sum;
}

}  // namespace

double NoiseSigma(const Plane& luma) {
  if (luma.width < kNoiseBlock + 2 || luma.height < kNoiseBlock + 2) return 0;
  std::vector<std::int32_t> unclipped;
  std::vector<std::int32_t> all;
  for (const std::uint32_t top : TileStarts(luma.height)) {
    for (const std::uint32_t left : TileStarts(luma.width)) {
      MeasureTileNoise(luma, left, top, unclipped, all);
    }
  }
  std::vector<std::int32_t>& blocks = unclipped.empty() ? all : unclipped;
  const auto rank = static_cast<std::ptrdiff_t>(kSmoothShare * static_cast<double>(blocks.size()));
  std::nth_element(blocks.begin(), blocks.begin() + rank, blocks.end());
  const double mean = static_cast<double>(blocks[static_cast<std::size_t>(rank)]) /
                      (kNoiseBlock * kNoiseBlock);
  // E|response| = 6 sigma sqrt(2 / pi): the operator's weights have norm 6.
  return mean * std::sqrt(std::numbers::pi / 2) / 6 / kSelectionBias;
}

double Blockiness(const Plane& luma) {
  PhaseSums columns{};
  PhaseSums rows{};
  const std::uint64_t samples = SampledLength(luma.width) * SampledLength(luma.height);
  if (samples == 0) return 0;
  for (const std::uint32_t top : TileStarts(luma.height)) {
    for (const std::uint32_t left : TileStarts(luma.width)) {
      AddTileSteps(luma, left, top, columns, rows);
    }
  }
  const double per_phase = static_cast<double>(samples) / kLattice;
  return (ExcessShare(columns, per_phase) + ExcessShare(rows, per_phase)) / 2;
}

}  // namespace winnow::image
