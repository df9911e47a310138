#include "libs/image/fingerprint.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>

namespace winnow::image {
namespace {

constexpr int kGrid = 64;        // samples a side
constexpr int kFrequencies = 16;  // kept a side
constexpr std::uint32_t kMinSide = 5;

using Grid = std::array<std::array<float, kGrid>, kGrid>;
using Spectrum = std::array<std::array<float, kFrequencies>, kFrequencies>;
using Basis = std::array<std::array<float, kGrid>, kFrequencies>;
using TransposedBasis = std::array<std::array<float, kFrequencies>, kGrid>;

struct Span {
  std::uint32_t begin;
  std::uint32_t end;
};

// What one box filter averages for output `at`. Even windows reach one further to the right, as in
// the reference.
Span BoxAt(std::uint32_t at, std::uint32_t window, std::uint32_t length) {
  const std::uint32_t right = (window + 2) / 2;
  const std::uint32_t left = window - right;
  return {at > left ? at - left : 0, std::min(length, at + right)};
}

// Two box filters in a row, evaluated only at the 64 samples that are kept. Filtering along rows
// and along columns commute, so the whole filter is two such maps: each pixel is read about once,
// where the textbook way makes four passes.
AxisWeights JaroszWeights(std::uint32_t length) {
  const std::uint32_t window = (length + 2 * kGrid - 1) / (2 * kGrid);
  AxisWeights axis;
  for (int i = 0; i < kGrid; ++i) {
    const auto centre = static_cast<std::uint32_t>((i + 0.5) * length / kGrid);
    const Span outer = BoxAt(centre, window, length);
    const std::uint32_t first = BoxAt(outer.begin, window, length).begin;
    const std::uint32_t end = BoxAt(outer.end - 1, window, length).end;
    std::vector<float> weights(end - first);
    for (std::uint32_t j = outer.begin; j < outer.end; ++j) {
      const Span inner = BoxAt(j, window, length);
      const float share = 1.0f / static_cast<float>(inner.end - inner.begin) /
                          static_cast<float>(outer.end - outer.begin);
      for (std::uint32_t k = inner.begin; k < inner.end; ++k) weights[k - first] += share;
    }
    axis.first.push_back(first);
    axis.weights.push_back(std::move(weights));
  }
  return axis;
}

// The 64x64 samples of the upright picture.
Grid SampleUpright(const Plane& luma, int orientation) {
  const bool from_right = orientation == 2 || orientation == 3 || orientation == 7 ||
                          orientation == 8;
  const bool from_below = orientation == 3 || orientation == 4 || orientation == 6 ||
                          orientation == 7;
  const bool transposed = orientation >= 5 && orientation <= 8;
  AxisWeights rows = JaroszWeights(luma.height);
  AxisWeights cols = JaroszWeights(luma.width);
  if (from_below) rows = Mirrored(rows, luma.height);
  if (from_right) cols = Mirrored(cols, luma.width);
  const std::vector<float> samples = Resample(luma, rows, cols);
  Grid grid;
  for (std::size_t i = 0; i < kGrid; ++i) {
    for (std::size_t j = 0; j < kGrid; ++j) {
      grid[transposed ? j : i][transposed ? i : j] = samples[i * kGrid + j];
    }
  }
  return grid;
}

// Percent steps between two neighbours; small ones count nothing, so that grain is not detail.
int Step(float a, float b) { return std::abs(static_cast<int>((a - b) * 100 / 255)); }

int QualityOf(const Grid& grid) {
  int sum = 0;
  for (std::size_t i = 0; i < kGrid; ++i) {
    for (std::size_t j = 0; j < kGrid; ++j) {
      if (i + 1 < kGrid) sum += Step(grid[i][j], grid[i + 1][j]);
      if (j + 1 < kGrid) sum += Step(grid[i][j], grid[i][j + 1]);
    }
  }
  return std::min(sum / 90, 100);
}

Basis MakeBasis() {
  Basis basis;
  const double step = std::acos(-1.0) / 2 / kGrid;
  for (int i = 0; i < kFrequencies; ++i) {
    for (int j = 0; j < kGrid; ++j) {
      const double wave = std::cos(step * (i + 1) * (2 * j + 1));
      basis[i][j] = static_cast<float>(std::sqrt(2.0 / kGrid) * wave);
    }
  }
  return basis;
}

// So that the inner loops of both products run along memory.
TransposedBasis Transposed(const Basis& basis) {
  TransposedBasis transposed;
  for (std::size_t i = 0; i < kFrequencies; ++i) {
    for (std::size_t j = 0; j < kGrid; ++j) transposed[j][i] = basis[i][j];
  }
  return transposed;
}

Spectrum Transform(const Grid& grid) {
  static const Basis basis = MakeBasis();
  static const TransposedBasis transposed = Transposed(basis);
  Spectrum spectrum{};
  for (std::size_t i = 0; i < kFrequencies; ++i) {
    std::array<float, kGrid> column_sums{};
    for (std::size_t k = 0; k < kGrid; ++k) {
      for (std::size_t j = 0; j < kGrid; ++j) column_sums[j] += basis[i][k] * grid[k][j];
    }
    for (std::size_t k = 0; k < kGrid; ++k) {
      for (std::size_t j = 0; j < kFrequencies; ++j) {
        spectrum[i][j] += column_sums[k] * transposed[k][j];
      }
    }
  }
  return spectrum;
}

// The lower of the two middle values, as the reference's median search gives for an even count.
float LowerMedian(const Spectrum& spectrum) {
  std::array<float, kFrequencies * kFrequencies> values;
  for (std::size_t i = 0; i < kFrequencies; ++i) {
    std::copy(spectrum[i].begin(), spectrum[i].end(), values.begin() + i * kFrequencies);
  }
  const auto middle = values.begin() + values.size() / 2 - 1;
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

}  // namespace

record::Fingerprint ComputeFingerprint(const Frame& frame) {
  return ComputeFingerprint(MakeLuma(frame.pixels), frame.orientation);
}

record::Fingerprint ComputeFingerprint(const Plane& luma, int orientation) {
  record::Fingerprint fingerprint;
  if (luma.width < kMinSide || luma.height < kMinSide) return fingerprint;
  const Grid grid = SampleUpright(luma, orientation);
  fingerprint.quality = QualityOf(grid);
  const Spectrum spectrum = Transform(grid);
  const float median = LowerMedian(spectrum);
  for (std::size_t bit = 0; bit < 256; ++bit) {
    if (spectrum[bit / kFrequencies][bit % kFrequencies] > median) {
      fingerprint.bits[bit / 64] |= std::uint64_t{1} << (bit % 64);
    }
  }
  return fingerprint;
}

}  // namespace winnow::image
