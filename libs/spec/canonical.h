// The one way to write a spec down: basis of the digest and of Describe.
#pragma once

#include <string>
#include <string_view>

#include "libs/spec/schema.h"
#include "libs/spec/spec.h"

namespace winnow::spec {

enum class Comments { kNone, kMeaningAndSource };

// YAML with every key of the table in table order, maps sorted by key, numbers in their shortest
// exact form. Without comments: equal text for specs that mean the same.
std::string WriteCanonical(const CollectionSpec& spec, Comments comments);

// A scalar as it stands after "key: "; "[]" or "{}" for an empty collection, "..." for a full one.
std::string FormatValue(const Value& value, Unit unit);

// Text as a YAML scalar: plain if it can only be read as text, else in double quotes.
std::string FormatText(std::string_view text);

}  // namespace winnow::spec
