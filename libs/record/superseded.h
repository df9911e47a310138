// The verdict on a record whose place a better copy takes.
#pragma once

#include <string_view>

#include "libs/record/image_record.h"

namespace winnow::record {

// Rejected/kSuperseded by `stage`, naming `by` and the QualityRank of both. Time and spec digest are
// those of the last verdict on `by`: it is what decided.
StageVerdict SupersededVerdict(std::string_view stage, const ImageRecord& replaced,
                               const ImageRecord& by);

}  // namespace winnow::record
