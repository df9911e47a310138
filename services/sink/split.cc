#include "services/sink/split.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdint>

#include "libs/base/check.h"
#include "libs/base/digest.h"

namespace winnow::sink {
namespace {

// 53 bits: what a double holds exactly, so that the fraction is below 1.
double Fraction(std::string_view key) {
  const Sha256Digest digest = Sha256(key);
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < 8; ++i) bits = bits << 8 | digest[i];
  return std::ldexp(static_cast<double>(bits >> 11), -53);
}

}  // namespace

Status CheckSplits(const std::map<std::string, double>& splits) {
  double sum = 0;
  for (const auto& [name, share] : splits) {
    if (!(share >= 0 && share <= 1)) {
      return ConfigError(fmt::format("output.splits: the share of {} is {}, not within 0..1", name,
                                     share));
    }
    sum += share;
  }
  if (std::abs(sum - 1) > 1e-6) {
    return ConfigError(fmt::format("output.splits: the shares add up to {}, not 1", sum));
  }
  return {};
}

const std::string& SplitOf(std::string_view key, const std::map<std::string, double>& splits) {
  const double fraction = Fraction(key);
  const std::string* last = nullptr;
  double end = 0;
  for (const auto& [name, share] : splits) {
    if (share <= 0) continue;
    last = &name;
    end += share;
    if (fraction < end) return name;
  }
  // Shares that add up to a hair less than 1.
  WINNOW_CHECK(last != nullptr);
  return *last;
}

}  // namespace winnow::sink
