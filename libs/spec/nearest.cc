#include "libs/spec/nearest.h"

#include <algorithm>
#include <array>
#include <cstddef>

namespace winnow::spec {
namespace {

constexpr std::size_t kMaxLength = 64;
// Bounds the work on a hostile file: 100 problems times this many comparisons.
constexpr std::size_t kMaxCandidates = 1000;

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool SameLetter(char a, char b) { return Lower(a) == Lower(b); }

std::optional<std::string> OnlyOneBeginningWith(std::string_view written,
                                                const std::vector<std::string>& candidates) {
  constexpr std::size_t kLeast = 3;
  const auto begins = [written](const std::string& candidate) {
    return std::string_view(candidate).substr(0, written.size()) == written;
  };
  if (written.size() < kLeast) return std::nullopt;
  const auto found = std::find_if(candidates.begin(), candidates.end(), begins);
  if (found == candidates.end()) return std::nullopt;
  if (std::any_of(found + 1, candidates.end(), begins)) return std::nullopt;
  return *found;
}

}  // namespace

int EditDistance(std::string_view a, std::string_view b) {
  a = a.substr(0, kMaxLength);
  b = b.substr(0, kMaxLength);
  std::array<std::array<int, kMaxLength + 1>, kMaxLength + 1> cost{};
  for (std::size_t i = 0; i <= a.size(); ++i) cost[i][0] = static_cast<int>(i);
  for (std::size_t j = 0; j <= b.size(); ++j) cost[0][j] = static_cast<int>(j);
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const int replace = cost[i - 1][j - 1] + (SameLetter(a[i - 1], b[j - 1]) ? 0 : 1);
      int best = std::min({replace, cost[i - 1][j] + 1, cost[i][j - 1] + 1});
      const bool swapped = i > 1 && j > 1 && SameLetter(a[i - 1], b[j - 2]) &&
                           SameLetter(a[i - 2], b[j - 1]);
      if (swapped) best = std::min(best, cost[i - 2][j - 2] + 1);
      cost[i][j] = best;
    }
  }
  return cost[a.size()][b.size()];
}

std::optional<std::string> Nearest(std::string_view written,
                                   const std::vector<std::string>& candidates) {
  const std::string* best = nullptr;
  int least = 0;
  for (std::size_t i = 0; i < std::min(candidates.size(), kMaxCandidates); ++i) {
    const int distance = EditDistance(written, candidates[i]);
    if (best != nullptr && distance >= least) continue;
    best = &candidates[i];
    least = distance;
  }
  if (best == nullptr) return std::nullopt;
  const auto length = static_cast<int>(std::max(best->size(), written.size()));
  if (3 * least > std::max(length, 3)) return OnlyOneBeginningWith(written, candidates);
  return *best;
}

}  // namespace winnow::spec
