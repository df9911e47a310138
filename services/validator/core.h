// The validator's rules as functions over values. No pixels, no state, no clock.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "libs/base/clock.h"
#include "libs/record/image_record.h"
#include "libs/record/reason.h"
#include "libs/spec/spec.h"

namespace winnow::validator {

// What one check has against a record; kNone and an empty detail for nothing. `detail` is one line
// for a person with the figure and the limit.
struct Finding {
  record::Reason reason = record::Reason::kNone;
  std::string detail;

  bool refused() const { return reason != record::Reason::kNone; }
  friend bool operator==(const Finding&, const Finding&) = default;
};

// The measures as judged, with the limits they were held against, named as in the spec.
struct Judgement {
  Finding finding;  // the first rule that failed
  std::map<std::string, double> scores;
  std::map<std::string, double> thresholds;
};

// The picture's own rules, always all of them and in this order: shorter side, aspect ratio, too
// dark, too bright, low information, blurry, noisy, overcompressed. A blank frame is called
// so and not blurry.
Judgement JudgePicture(const record::Measurements& measured, const spec::ValidateRules& rules);

// Absent purpose: nothing is checked. Otherwise a basis must be declared, the purpose be among
// the declared ones, and the consent not have ended at `now` (its last moment excluded).
Finding CheckConsent(const std::optional<record::Consent>& consent,
                     const std::optional<std::string>& purpose, Timestamp now);

// What the labels are held against.
struct LabelRules {
  std::uint32_t width = 0;   // of the stored picture, pixels
  std::uint32_t height = 0;
  std::vector<std::string> classes;  // the ontology; empty = any label
  bool required = false;
};

// Coordinates may overshoot the picture by this much, as rounding of scaled labels makes them.
inline constexpr double kOvershootPixels = 1.0;

// The first thing wrong with the first wrong annotation: kUnknownLabel for a class not listed,
// kAnnotationInvalid for an empty label, coordinates that are not finite or more than
// kOvershootPixels outside, no area, a ring of under 3 points, a mask of another size than the
// picture or without a set pixel, a visibility other than 0, 1, 2 (coordinates of keypoints that
// are not labelled are not looked at), or no annotation where one is required.
Finding CheckAnnotations(const std::vector<record::Annotation>& annotations,
                         const LabelRules& rules);

// Moves what overshoots to the border. For annotations that passed.
void ClipAnnotations(std::vector<record::Annotation>& annotations, std::uint32_t width,
                     std::uint32_t height);

}  // namespace winnow::validator
