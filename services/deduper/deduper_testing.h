// What the tests of the deduper share.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <string>

#include "libs/base/clock.h"
#include "libs/record/image_record.h"
#include "libs/spec/spec.h"
#include "libs/testing/safe_payload.h"
#include "libs/testing/stage_driver.h"
#include "services/deduper/deduper.h"

namespace winnow::deduper {

using Bits = std::array<std::uint64_t, 4>;

inline record::ImageRecord Image(const std::string& id, const std::string& content,
                                 const Bits& bits, int quality = 100) {
  record::ImageRecord image;
  image.id = RecordId(id);
  image.payload = record::SafePayloadForTesting::Make(content);
  image.fingerprint = record::Fingerprint{bits, quality};
  return image;
}

inline spec::CollectionSpec Spec(std::uint32_t max_distance = 31) {
  spec::CollectionSpec spec;
  spec.dedup.max_distance = max_distance;
  spec.digest = "digest of the spec";
  return spec;
}

inline testing::StageDriver Driver(const spec::CollectionSpec& spec = Spec()) {
  return testing::StageDriver([spec] { return NewDeduper(spec); });
}

inline record::ImageRecord From(const std::string& source, record::ImageRecord image) {
  image.source.id = SourceId(source);
  return image;
}

inline Timestamp At(double seconds) {
  return Timestamp(std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000)));
}

inline record::ImageRecord Sharp(double sharpness, record::ImageRecord image) {
  image.measurements.emplace();
  image.measurements->sharpness = sharpness;
  image.measurements->width = 800;
  image.measurements->height = 600;
  return image;
}

}  // namespace winnow::deduper
