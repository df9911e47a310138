// Regions as COCO and Winnow's own sidecars write them. Private to the room. All give Error kInput
// for values of the wrong shape; whether a region makes sense on its picture is the validator's
// question.
#pragma once

#include <string_view>
#include <vector>

#include "libs/base/result.h"
#include "libs/ingest/json_text.h"
#include "libs/record/image_record.h"

namespace winnow::ingest {

// [x, y, width, height]
Result<record::Box> ReadBox(const Json& value, std::string_view what);

// [[x0, y0, x1, y1 ...], ...]; one flat ring is accepted too.
Result<record::Polygons> ReadPolygons(const Json& value, std::string_view what);

// [x0, y0, visibility0, ...]
Result<std::vector<record::Keypoint>> ReadKeypoints(const Json& value, std::string_view what);

// {"size": [height, width], "counts": [...] or "compressed text"}. The runs add up to the size.
Result<record::MaskRle> ReadMask(const Json& value, std::string_view what);

// COCO's compressed run lengths (rleFrString in cocoapi/common/maskApi.c): differences to the run
// before the last, 5 bits a character from '0', lowest first.
Result<std::vector<std::uint32_t>> DecodeRunLengths(std::string_view text);

}  // namespace winnow::ingest
