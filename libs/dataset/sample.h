// One record as the files of a shard.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "libs/base/ids.h"
#include "libs/base/result.h"
#include "libs/dataset/tar.h"
#include "libs/record/image_record.h"

namespace winnow::dataset {

// `image` is borrowed from the record.
struct Sample {
  std::string image_name;
  std::string_view image;
  std::string json_name;
  std::string json;

  std::vector<TarEntry> entries() const { return {{image_name, image}, {json_name, json}}; }
};

// Fills in record.placement->key. kBug for a record that no writer may be given: without redacted
// bytes at hand, or without a split that can be part of a file name.
Result<Sample> MakeSample(record::ImageRecord& record);

// Can stand in a file name: 1 to 64 letters, digits, '-' and '_'.
bool IsPlainName(std::string_view name);
// The Error for a collection that does not.
Status CheckCollection(const CollectionId& collection);

}  // namespace winnow::dataset
