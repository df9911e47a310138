// Pictures for the report, redacted like everything that leaves the raw zone.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "libs/base/result.h"
#include "libs/record/image_record.h"
#include "libs/stream/processor.h"
#include "libs/stream/source.h"

namespace winnow::cli {

// For each record its picture as a small upright JPEG, or "" where there is none to show: it never
// was decodable, its file is gone or has changed, or the blurrer cannot judge it safe. Reads the
// images again from `source` and takes each through a processor of `make_blurrer`; no pixel gets
// into the result any other way. Uses `threads` threads.
Result<std::vector<std::string>> RedactedThumbnails(
    const std::vector<const record::ImageRecord*>& records, const stream::Source& source,
    const stream::ProcessorFactory& make_blurrer, std::size_t threads);

}  // namespace winnow::cli
