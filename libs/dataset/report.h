// report.html: what a run did, for people. One file that needs nothing else and no network.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "libs/dataset/manifest.h"
#include "libs/record/reason.h"

namespace winnow::dataset {

// A picture in the report. Only ever redacted pixels: callers take it from a SafePayload or from
// pixels redacted for the purpose, and leave `jpeg` empty otherwise (a frame with the caption is
// drawn). About 320 pixels wide is enough.
struct Thumbnail {
  std::string jpeg;     // a JPEG file, or empty
  std::string caption;  // the image's name
  std::string note;     // "sharpness 0.12, minimum 0.30"; may be empty
};

// In pipeline order.
struct StageCount {
  std::string stage;
  std::uint64_t received = 0;
  std::uint64_t forwarded = 0;  // or stored, for the last
  std::uint64_t rejected = 0;
  std::uint64_t review = 0;
  std::uint64_t deferred = 0;
};

struct ReasonCount {
  record::Reason reason = record::Reason::kNone;
  record::Disposition disposition = record::Disposition::kRejected;
  std::string stage;
  std::uint64_t count = 0;
  std::vector<Thumbnail> examples;
};

// One balance axis: shares before balancing (arrived at the balancer) and in the dataset.
struct AxisValue {
  std::string value;
  std::uint64_t before = 0;
  std::uint64_t after = 0;
  double target = -1;  // share 0..1; negative: none
};
struct AxisBalance {
  std::string axis;
  double tolerance = 0;  // absolute share
  std::vector<AxisValue> values;
};

struct DuplicatePair {
  Thumbnail kept;
  Thumbnail dropped;
  int distance = 0;  // Hamming bits of 256
  bool exact = false;
};

// `counts[i]` images with lower + i*w <= value < lower + (i+1)*w, w = (upper-lower)/counts.size().
struct Histogram {
  std::string title;  // "Sharpness"
  std::string unit;   // "0 blurred to 1 sharp"
  double lower = 0;
  double upper = 1;
  double threshold = 0;
  bool has_threshold = false;
  std::string threshold_label;  // "minimum 0.30"
  std::vector<std::uint64_t> counts;
};

struct PrivacySummary {
  std::uint64_t images_checked = 0;
  std::uint64_t images_with_faces = 0;
  std::uint64_t regions_redacted = 0;
  std::uint64_t in_review = 0;
  double mean_area_ratio = 0;  // redacted pixels / all, of images with regions
  std::map<std::string, std::uint64_t> metadata_stripped;  // kind to images
};

struct ReportInput {
  std::string objective;    // spec.objective.description
  Manifest manifest;        // collection, digest, models, totals, shards, class counts
  std::map<std::string, std::uint64_t> target_counts;  // images wanted per class
  std::vector<StageCount> stages;
  std::vector<ReasonCount> reasons;
  std::vector<AxisBalance> axes;
  std::uint64_t duplicates = 0;  // dropped on arrival, in all
  std::uint64_t superseded = 0;  // dropped later for a better copy, in all
  std::vector<DuplicatePair> pairs;  // some of both
  std::vector<Histogram> histograms;
  PrivacySummary privacy;
  std::vector<Thumbnail> stored_examples;
  std::string version;  // of Winnow
};

// A complete HTML document, UTF-8. Equal inputs give equal text. Everything taken from the input is
// escaped. Sections without content are left out. Pure; thread-safe.
std::string RenderReport(const ReportInput& input);

}  // namespace winnow::dataset
