// Which strata a record belongs to.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "libs/base/result.h"
#include "libs/record/image_record.h"

namespace winnow::balancer {

// A record's values on each axis of a list, in the order of that list; at least one value per axis,
// each once, sorted.
using Strata = std::vector<std::vector<std::string>>;

// kConfig unless `axis` is "class", "lighting", "source", "site", "format" or "attribute:<key>".
Status CheckAxis(std::string_view axis);

// `axis` must be one that CheckAxis accepts.
//   class      the distinct labels of the annotations; without any, attribute "class"; without
//              that, "unlabelled"
//   others     one value; "unknown" where the record does not say
std::vector<std::string> ValuesOf(const record::ImageRecord& record, std::string_view axis);

}  // namespace winnow::balancer
