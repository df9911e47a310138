// Finds the parts of a COCO file without holding it in memory. Private to the room.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "libs/base/result.h"

namespace winnow::ingest {

struct CocoImage {
  std::int64_t id = 0;
  std::string file_name;
  std::uint32_t width = 0;   // 0 if not given
  std::uint32_t height = 0;
};

struct CocoCategory {
  std::int64_t id = 0;
  std::string name;
};

// Where an annotation stands in the file: `length` bytes that are one JSON object.
struct CocoAnnotationSpan {
  std::int64_t image_id = 0;
  std::uint64_t offset = 0;
  std::uint32_t length = 0;
};

struct CocoVisitor {
  std::function<void(CocoImage)> image;
  std::function<void(CocoCategory)> category;
  std::function<void(CocoAnnotationSpan)> annotation;
};

// Reads the file once from its start, in any order of its sections, with a buffer of 64 KiB and the
// element at hand. True if it is COCO: an object with the lists `images`, `annotations` and
// `categories`; false for other JSON, of which the visitor may have seen some. Error kInput with
// the byte offset for text that is not JSON and for an element without its id.
Result<bool> ScanCoco(int fd, const CocoVisitor& visitor);

}  // namespace winnow::ingest
