// What the privacy-blurrer decides, as free functions over values: which regions to destroy, how
// much of the picture that is, which labels it takes with it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "libs/detect/detector.h"
#include "libs/record/image_record.h"
#include "libs/spec/spec.h"

namespace winnow::privacy {

// Size and EXIF orientation of the picture as stored.
struct Geometry {
  std::uint32_t width = 0;
  std::uint32_t height = 0;
  int orientation = 1;  // 1..8
};

struct RedactionPlan {
  std::vector<record::RedactedRegion> regions;  // stored pixels, whole, within the picture
  std::uint32_t cells = 1;                      // mosaic cells across the longer side of a region
};

// One region per detection (a box on the upright picture): grown by policy.grow of its size on each
// side, rounded outwards to whole pixels, turned to stored pixels. A region that lies mostly within
// another one is merged with it, so that no mosaic is drawn over another.
RedactionPlan Plan(const std::vector<detect::Detection>& detections, std::string_view kind,
                   const Geometry& geometry, const spec::PrivacyPolicy& policy);

// The plan for another try from the original, after `residual` was found on the first result: its
// regions are added and merged, and there are half as many cells everywhere.
RedactionPlan Enlarge(RedactionPlan plan, const std::vector<detect::Detection>& residual,
                      std::string_view kind, const Geometry& geometry,
                      const spec::PrivacyPolicy& policy);

// Share of the picture within at least one region, 0..1.
double CoveredRatio(const std::vector<record::RedactedRegion>& regions, const Geometry& geometry);

// Area of `box` within at least one region, pixels.
double CoveredArea(const std::vector<record::RedactedRegion>& regions, const record::Box& box);

// 0 if there is none.
double BestScore(const std::vector<detect::Detection>& detections);

// Sets attribute "redacted" to "true" on each annotation of whose box at least half is covered, so
// that a trainer can leave out what is no longer to be seen. An annotation without a box is judged
// by the bounds of its polygons and keypoints; tags and masks alone are left as they are.
void MarkRedacted(const std::vector<record::RedactedRegion>& regions,
                  std::vector<record::Annotation>& annotations);

}  // namespace winnow::privacy
