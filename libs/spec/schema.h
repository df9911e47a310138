// The one table of the spec's keys: YAML name, unit, range, meaning and source of the default of
// every field of spec.h. Reader, checker, digest, Describe and "did you mean" all walk it; there is
// no second list. The defaults themselves are the initialisers in spec.h.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "libs/spec/spec.h"

namespace winnow::spec {

// A field of a spec. Borrowed: valid as long as the struct it points into.
using Value = std::variant<bool*, std::int32_t*, std::uint32_t*, std::uint64_t*, double*,
                           std::string*, CollectionId*, SourceId*, LabelFrom*, DedupScope*, Keep*,
                           std::optional<std::string>*, std::vector<std::string>*,
                           std::map<std::string, double>*, std::map<std::string, std::uint64_t>*,
                           std::map<std::string, std::string>*, std::vector<BalanceAxis>*>;

// kBytes and kSeconds also decide how a value is written ("64MiB", "10s").
enum class Unit {
  kNone,
  kBytes,
  kSeconds,
  kPixels,
  kImages,
  kShare,      // 0..1 of a whole
  kScore,      // 0..1, higher is more certain
  kBits,
  kGreyLevels,  // of 255
  kRatio,
  kCells,
};

// "images"; empty for kNone.
std::string_view Name(Unit unit);

// Both ends included; for the numbers of a map, each of them. Meaningless for text.
struct Range {
  double least = 0;
  double most = 0;
};

// What text may look like. The checker tells the rules.
enum class Form {
  kAny,         // any text without control characters
  kParagraph,   // may have line breaks
  kFileName,    // becomes part of file names: a-z A-Z 0-9 . _ -, not starting with a dot or dash
};

template <class Owner>
struct Field {
  std::string_view path;  // dotted, from the top of the file: "validate.min_side"
  Value (*of)(Owner& owner);
  Unit unit;
  Range range;
  Form form;  // of text; of each entry of a list; of each key of a map
  std::string_view meaning;  // one line
  std::string_view source;   // of the default

  // The last segment of `path`.
  std::string_view key() const { return path.substr(path.rfind('.') + 1); }
};

// In the order in which Describe writes them. Path segments before the last are sections.
std::span<const Field<CollectionSpec>> SpecFields();

// Of one item of balance.axes; paths start with "balance.axes[].".
std::span<const Field<BalanceAxis>> AxisFields();

// Closed sets of words. All(T{}) gives every value of a set.
std::string_view Name(LabelFrom label_from);
std::string_view Name(DedupScope scope);
std::string_view Name(Keep keep);
constexpr std::array<LabelFrom, 2> All(LabelFrom) {
  return {LabelFrom::kNone, LabelFrom::kParentDirectory};
}
constexpr std::array<DedupScope, 3> All(DedupScope) {
  return {DedupScope::kCollection, DedupScope::kSource, DedupScope::kGroup};
}
constexpr std::array<Keep, 3> All(Keep) { return {Keep::kFirst, Keep::kBest, Keep::kBestOfBurst}; }
std::vector<std::string> AxisNames();      // without "attribute:<key>"
std::vector<std::string> LightingNames();  // as record::Name(Lighting)
std::vector<std::string> FormatNames();    // as record::Name(ImageFormat)

}  // namespace winnow::spec
