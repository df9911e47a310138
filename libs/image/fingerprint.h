// PDQ perceptual hash (Meta ThreatExchange): 256 bits and a quality score.
#pragma once

#include <string>

#include "libs/image/frame.h"
#include "libs/record/image_record.h"

namespace winnow::image {

// Whether Fingerprint::turned is filled.
enum class Turns { kNone, kAll };

// Of the upright picture. Written from the published description and held against the published
// hashes and the published program (github.com/facebook/ThreatExchange, pdq/): luma, two passes of
// a box filter in x and y of 1/128 of each side, 64x64 samples of it, the lowest 16x16 frequencies
// of its DCT without the constant ones, each compared with their median. It filters the full
// picture, as the C++ and Java programs do; README.md says how near it comes to each program.
//
// `turned` is what the picture's pixels would hash to if they were turned. PDQ's own shortcut,
// other signs and order in one spectrum, is not taken: where its filter is even it leans to the
// right and down, and its samples lie off the middle, so for a third of the turns the shortcut gives
// another hash, for 1 in 40 by more than 30 bits (README.md); matching has 31 in all.
//
// Pictures under 5 pixels on a side have no fingerprint: all bits zero, quality 0, no turns.
// Thread-safe.
record::Fingerprint ComputeFingerprint(const Frame& frame, Turns turns = Turns::kNone);

// 0..256.
int HammingDistance(const record::Fingerprint& a, const record::Fingerprint& b);

// 64 hex digits in PDQ's published order: bit 255 first.
std::string ToHex(const record::Fingerprint& fingerprint);

}  // namespace winnow::image
