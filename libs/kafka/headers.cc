#include "libs/kafka/headers.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "libs/base/digest.h"

namespace winnow::kafka {
namespace {

constexpr std::size_t kTraceDigits = 32;
constexpr std::size_t kParentDigits = 16;
constexpr std::size_t kTraceparentSize = 2 + 1 + kTraceDigits + 1 + kParentDigits + 1 + 2;

bool IsLowerHex(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
  });
}

bool AllZero(std::string_view text) {
  return text.find_first_not_of('0') == std::string_view::npos;
}

struct Trace {
  std::string_view id;
  std::string_view parent;
  std::string_view flags;
};

// Of a later version only what level 1 defines is read, as the standard asks.
std::optional<Trace> ParseTraceparent(std::string_view text) {
  if (text.size() < kTraceparentSize) return std::nullopt;
  const std::string_view version = text.substr(0, 2);
  if (!IsLowerHex(version) || version == "ff") return std::nullopt;
  if (text.size() > kTraceparentSize && (version == "00" || text[kTraceparentSize] != '-')) {
    return std::nullopt;
  }
  if (text[2] != '-' || text[35] != '-' || text[52] != '-') return std::nullopt;
  const Trace trace = {text.substr(3, kTraceDigits), text.substr(36, kParentDigits),
                       text.substr(53, 2)};
  if (!IsLowerHex(trace.id) || !IsLowerHex(trace.parent) || !IsLowerHex(trace.flags)) {
    return std::nullopt;
  }
  if (AllZero(trace.id) || AllZero(trace.parent)) return std::nullopt;
  return trace;
}

template <class Integer>
bool ParseNumber(std::string_view text, Integer& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && value >= 0;
}

}  // namespace

std::string_view Name(DeadReason reason) {
  switch (reason) {
    case DeadReason::kUndecodable: return "undecodable";
    case DeadReason::kUnredacted: return "unredacted";
    case DeadReason::kWrongCollection: return "wrong_collection";
    case DeadReason::kTooLarge: return "too_large";
    case DeadReason::kBlobMissing: return "blob_missing";
    case DeadReason::kRefusedByStage: return "refused_by_stage";
  }
  return "undecodable";
}

std::string Format(const Origin& origin) {
  return fmt::format("{}/{}/{}", origin.topic, origin.partition, origin.offset);
}

// Topic names hold no slash.
std::optional<Origin> ParseOrigin(std::string_view text) {
  const std::size_t second = text.rfind('/');
  if (second == std::string_view::npos || second == 0) return std::nullopt;
  const std::size_t first = text.rfind('/', second - 1);
  if (first == std::string_view::npos || first == 0) return std::nullopt;
  Origin origin;
  origin.topic = text.substr(0, first);
  if (origin.topic.find('/') != std::string::npos) return std::nullopt;
  if (!ParseNumber(text.substr(first + 1, second - first - 1), origin.partition) ||
      !ParseNumber(text.substr(second + 1), origin.offset)) {
    return std::nullopt;
  }
  return origin;
}

std::string NextTraceparent(std::optional<std::string_view> incoming, std::string_view stage,
                            std::string_view seed) {
  const std::optional<Trace> trace = incoming ? ParseTraceparent(*incoming) : std::nullopt;
  const std::string id =
      trace ? std::string(trace->id) : ToHex(Sha256(seed)).substr(0, kTraceDigits);
  const std::string_view parent = trace ? trace->parent : std::string_view();
  const std::string own =
      ToHex(Sha256(fmt::format("{}/{}/{}", id, parent, stage))).substr(0, kParentDigits);
  return fmt::format("00-{}-{}-{}", id, own, trace ? trace->flags : "00");
}

}  // namespace winnow::kafka
