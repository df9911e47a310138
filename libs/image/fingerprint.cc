#include "libs/image/fingerprint.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>

#include "libs/image/luma.h"

namespace winnow::image {
namespace {

constexpr int kGrid = 64;        // samples a side
constexpr int kFrequencies = 16;  // kept a side
constexpr std::uint32_t kMinSide = 5;

using Grid = std::array<std::array<float, kGrid>, kGrid>;
using Spectrum = std::array<std::array<float, kFrequencies>, kFrequencies>;
using Basis = std::array<std::array<float, kGrid>, kFrequencies>;
using TransposedBasis = std::array<std::array<float, kFrequencies>, kGrid>;

// How to lay a picture: first rows and columns are taken from the other end, then they change
// places.
struct Lay {
  bool from_below = false;
  bool from_right = false;
  bool transposed = false;
};

Lay UprightLay(int orientation) {
  return {.from_below = orientation == 3 || orientation == 4 || orientation == 6 ||
                        orientation == 7,
          .from_right = orientation == 2 || orientation == 3 || orientation == 7 ||
                        orientation == 8,
          .transposed = orientation >= 5 && orientation <= 8};
}

Lay LayOf(record::Turn turn) {
  switch (turn) {
    case record::Turn::kNone: return {};
    case record::Turn::kRotated90: return {.from_below = true, .transposed = true};
    case record::Turn::kRotated180: return {.from_below = true, .from_right = true};
    case record::Turn::kRotated270: return {.from_right = true, .transposed = true};
    case record::Turn::kMirrored: return {.from_right = true};
    case record::Turn::kFlipped: return {.from_below = true};
    case record::Turn::kTransposed: return {.transposed = true};
    case record::Turn::kTransversed:
      return {.from_below = true, .from_right = true, .transposed = true};
  }
  return {};
}

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

void Append(AxisWeights& axis, const AxisWeights& more) {
  axis.first.insert(axis.first.end(), more.first.begin(), more.first.end());
  axis.weights.insert(axis.weights.end(), more.weights.begin(), more.weights.end());
}

// The samples of the upright picture in one lay or in all, from one pass over the stored pixels.
class Samples {
 public:
  Samples(const Pixels& stored, const Lay& upright, Turns turns) : transposed_(upright.transposed) {
    AxisWeights rows = JaroszWeights(stored.height);
    AxisWeights cols = JaroszWeights(stored.width);
    if (upright.from_below) rows = Mirrored(rows, stored.height);
    if (upright.from_right) cols = Mirrored(cols, stored.width);
    if (turns == Turns::kAll) {
      Append(rows, Mirrored(rows, stored.height));
      Append(cols, Mirrored(cols, stored.width));
    }
    row_length_ = cols.size();
    values_ = ResampleLuma(stored, rows, cols);
  }

  // The upright picture laid so; with Turns::kNone only as it is.
  Grid In(const Lay& lay) const {
    const bool other_rows = transposed_ ? lay.from_right : lay.from_below;
    const bool other_cols = transposed_ ? lay.from_below : lay.from_right;
    const bool transposed = transposed_ != lay.transposed;
    const float* row = &values_[(other_rows ? kGrid * row_length_ : 0) + (other_cols ? kGrid : 0)];
    Grid grid;
    for (std::size_t i = 0; i < kGrid; ++i, row += row_length_) {
      for (std::size_t j = 0; j < kGrid; ++j) {
        grid[transposed ? j : i][transposed ? i : j] = row[j];
      }
    }
    return grid;
  }

 private:
  bool transposed_;
  std::size_t row_length_ = 0;
  std::vector<float> values_;
};

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

record::FingerprintBits BitsOf(const Spectrum& spectrum) {
  const float median = LowerMedian(spectrum);
  record::FingerprintBits bits{};
  for (std::size_t bit = 0; bit < 256; ++bit) {
    if (spectrum[bit / kFrequencies][bit % kFrequencies] > median) {
      bits[bit / 64] |= std::uint64_t{1} << (bit % 64);
    }
  }
  return bits;
}

}  // namespace

record::Fingerprint ComputeFingerprint(const Frame& frame, Turns turns) {
  record::Fingerprint fingerprint;
  const Pixels& stored = frame.pixels;
  if (stored.width < kMinSide || stored.height < kMinSide) return fingerprint;
  const Samples samples(stored, UprightLay(frame.orientation), turns);
  const Grid upright = samples.In({});
  fingerprint.quality = QualityOf(upright);
  fingerprint.bits = BitsOf(Transform(upright));
  if (turns == Turns::kNone) return fingerprint;
  for (std::size_t i = 1; i < record::kAllTurns.size(); ++i) {
    const Grid turned = samples.In(LayOf(record::kAllTurns[i]));
    fingerprint.turned.push_back(BitsOf(Transform(turned)));
  }
  return fingerprint;
}

}  // namespace winnow::image
