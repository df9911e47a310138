#include "libs/record/quality_rank.h"

#include <algorithm>
#include <cmath>

namespace winnow::record {

std::uint32_t QualityRank(const ImageRecord& record) {
  if (!record.measurements) return 0;
  const Measurements& measured = *record.measurements;
  if (!std::isfinite(measured.sharpness) || !std::isfinite(measured.noise_sigma)) return 0;
  const double side = std::min(measured.width, measured.height);
  const double noise = std::max(measured.noise_sigma, 0.0);
  const double quality =
      std::clamp(measured.sharpness, 0.0, 1.0) * (side / (side + 512)) * (12 / (12 + noise));
  return static_cast<std::uint32_t>(quality * 1e6);
}

}  // namespace winnow::record
