// What the tests of the balancer share.
#pragma once

#include <string>

#include "libs/record/image_record.h"
#include "libs/spec/spec.h"
#include "libs/testing/safe_payload.h"
#include "libs/testing/stage_driver.h"
#include "services/balancer/balancer.h"

namespace winnow::balancer {

inline record::ImageRecord Image(const std::string& id, const std::string& label,
                                 double sharpness = 0.5) {
  record::ImageRecord image;
  image.id = RecordId(id);
  image.payload = record::SafePayloadForTesting::Make("picture of " + id);
  image.attributes["class"] = label;
  image.measurements.emplace();
  image.measurements->sharpness = sharpness;
  image.measurements->width = image.measurements->height = 512;
  return image;
}

inline testing::StageDriver Driver(const spec::CollectionSpec& spec) {
  return testing::StageDriver([spec] { return NewBalancer(spec); });
}

}  // namespace winnow::balancer
