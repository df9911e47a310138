// What asks only the bits: apart from the pixels, so that a program without them links no OpenCV.
#include <fmt/format.h>

#include <bit>
#include <cstddef>
#include <string>

#include "libs/image/fingerprint.h"

namespace winnow::image {

int HammingDistance(const record::Fingerprint& a, const record::Fingerprint& b) {
  int distance = 0;
  for (std::size_t i = 0; i < a.bits.size(); ++i) distance += std::popcount(a.bits[i] ^ b.bits[i]);
  return distance;
}

std::string ToHex(const record::Fingerprint& fingerprint) {
  const auto& bits = fingerprint.bits;
  return fmt::format("{:016x}{:016x}{:016x}{:016x}", bits[3], bits[2], bits[1], bits[0]);
}

}  // namespace winnow::image
