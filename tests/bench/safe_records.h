// Records as they are on images.safe where payloads go by reference: what validator and blurrer say
// of a street scene, and no image.
#pragma once

#include <cstdint>

#include "libs/record/image_record.h"

namespace winnow::bench {

// Equal for equal numbers, but for the time. Of 20 records one has the same bytes as an earlier one,
// and one is 12 bits from an earlier one; the others are as far apart as random fingerprints.
record::ImageRecord SafeRecord(std::uint64_t number);

// As good as random, equal for equal numbers: the fingerprint of most of them.
record::FingerprintBits RandomBits(std::uint64_t number);

}  // namespace winnow::bench
