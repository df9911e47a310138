// PDQ perceptual hash (Meta ThreatExchange): 256 bits and a quality score.
#pragma once

#include <string>

#include "libs/image/frame.h"
#include "libs/record/image_record.h"

namespace winnow::image {

// Of the upright picture. Thread-safe.
record::Fingerprint ComputeFingerprint(const Frame& frame);

// 0..256.
int HammingDistance(const record::Fingerprint& a, const record::Fingerprint& b);

// 64 hex digits in PDQ's published order.
std::string ToHex(const record::Fingerprint& fingerprint);

}  // namespace winnow::image
