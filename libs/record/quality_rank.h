// Which of two images is the better one, as one number: for the balancer's reserve, and for the
// deduper where the best copy stays.
#pragma once

#include <cstdint>

#include "libs/record/image_record.h"

namespace winnow::record {

// Sharp, large and clean first: in millionths,
//   sharpness * side / (side + 512) * 12 / (12 + noise_sigma), side the shorter one in pixels.
// Each factor is within 0..1; better on one measure and no worse on the others never ranks lower.
// 0 without measurements or with impossible ones.
std::uint32_t QualityRank(const ImageRecord& record);

}  // namespace winnow::record
