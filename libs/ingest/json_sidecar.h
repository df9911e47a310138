// Winnow's own label file, one per image: "x.json" or "x.jpg.json" beside "x.jpg". Its schema
// stands in README.md. Private to the room.
#pragma once

#include <string_view>

#include "libs/base/result.h"
#include "libs/ingest/labels.h"

namespace winnow::ingest {

// Error kInput that names the key and what it must be; unknown keys are errors, so that a label
// written under a misspelt name is not lost. Thread-safe; never throws.
Result<Labels> ParseJsonSidecar(std::string_view text);

}  // namespace winnow::ingest
