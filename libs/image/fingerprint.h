// PDQ perceptual hash (Meta ThreatExchange): 256 bits and a quality score.
#pragma once

#include <string>

#include "libs/image/frame.h"
#include "libs/image/luma.h"
#include "libs/record/image_record.h"

namespace winnow::image {

// Of the upright picture. Written from the published description and checked against the
// published hashes (github.com/facebook/ThreatExchange, pdq/): luma, two passes of a box filter
// in x and y of 1/128 of each side, 64x64 samples of it, the lowest 16x16 frequencies of its DCT
// without the constant ones, each compared with their median. It filters the full picture, and so
// equals the published hashes of the C++ and Java programs; the Python program, which reduces
// the picture first, is up to 12 bits away.
//
// Pictures under 5 pixels on a side have no fingerprint: all bits zero, quality 0. Thread-safe.
record::Fingerprint ComputeFingerprint(const Frame& frame);

// The same from MakeLuma of the frame's pixels, for callers that need the plane anyway.
// `orientation`: EXIF 1..8, as in Frame.
record::Fingerprint ComputeFingerprint(const Plane& luma, int orientation);

// 0..256.
int HammingDistance(const record::Fingerprint& a, const record::Fingerprint& b);

// 64 hex digits in PDQ's published order: bit 255 first.
std::string ToHex(const record::Fingerprint& fingerprint);

}  // namespace winnow::image
