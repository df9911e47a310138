// Records as the sink hands them over, for the tests of this room.
#pragma once

#include <fmt/format.h>

#include <string>

#include "libs/record/image_record.h"
#include "libs/testing/safe_payload.h"

namespace winnow::dataset {

// The `index`-th stored record: every fourth goes to "val", sizes vary with the index.
inline record::ImageRecord StoredRecord(int index) {
  record::ImageRecord record;
  record.id = RecordId(fmt::format("{:032x}", index + 1));
  record.collection = CollectionId("street");
  record.source.id = SourceId("folder");
  record.source.path = fmt::format("a/{}.jpg", index);
  record.payload = record::SafePayloadForTesting::Make(
      std::string(static_cast<std::size_t>(100 + 197 * index % 1500), static_cast<char>(index)));
  record.placement = record::Placement{};
  record.placement->split = index % 4 == 3 ? "val" : "train";
  return record;
}

}  // namespace winnow::dataset
