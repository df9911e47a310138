// The collection spec: one YAML file that states what a dataset is for and every threshold on the
// way there. These structs hold the defaults; spec/schema.cc gives each its key, unit, range and
// source and is the only place that knows the YAML names. A new field needs one row there: without
// it schema.cc does not compile.
//
// A file needs two keys, `winnow: 1` (the version of this format) and `collection: <id>`; every
// other key has a default. Unknown and repeated keys are problems. README.md describes the format.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "libs/base/ids.h"
#include "libs/base/result.h"

namespace winnow::spec {

struct Objective {
  std::string description;             // what the dataset is for, one or two sentences
  std::vector<std::string> classes;    // the ontology; empty = any label is accepted
  std::map<std::string, std::uint64_t> target_counts;  // images wanted per class; absent = no quota
  std::uint64_t target_images = 0;     // in all; 0 = no limit
};

enum class LabelFrom {
  kNone,             // labels come from sidecar files only
  kParentDirectory,  // the name of the directory the image lies in is its class
};

// How a folder or feed becomes records.
struct IngestPolicy {
  LabelFrom label_from = LabelFrom::kNone;
  SourceId source{"folder"};  // part of every derived record id: change it and all images are new
};

struct ValidateRules {
  std::uint64_t max_bytes = 64ull << 20;
  std::uint64_t max_pixels = 100'000'000;
  double max_decode_seconds = 10;   // CPU seconds
  std::uint32_t min_side = 200;     // pixels
  double max_aspect_ratio = 3.0;    // longer side / shorter side
  double min_brightness = 0.37;     // 99th percentile of brightness
  double max_brightness = 0.95;     // 5th percentile of brightness
  double min_sharpness = 0.40;
  double max_noise = 10.0;          // sigma, grey levels
  double min_entropy = 2.0;         // bits
  double max_blockiness = 0.75;
  bool require_annotations = false;
  std::optional<std::string> required_consent_purpose;  // absent: consent is not checked
};

struct PrivacyPolicy {
  bool faces = true;
  double face_threshold = 0.2;      // detector score at or above which a region is destroyed
  double residual_threshold = 0.5;  // score on the output at or above which it goes to review
  double grow = 0.3;                // share of the box added on each side
  std::uint32_t cells = 4;          // mosaic cells across the longer side of a region
  double max_redacted_ratio = 0.7;  // of all pixels
  std::string face_model = "centerface";   // name in deploy/models/models.json
};

// Which images are compared with each other.
enum class DedupScope {
  kCollection,  // all of the collection
  kSource,      // those of one source: cameras that see the same may both keep it
  kGroup,       // those of the sources that `groups` puts together; of one source where it names none
};

// Which of two look-alikes stays in the dataset.
enum class Keep {
  kFirst,
  kBest,         // a later copy that is clearly better takes the place of the earlier ones
  kBestOfBurst,  // the same among the frames one camera takes within `burst_seconds`; else the first
};

struct DedupPolicy {
  bool exact = true;
  std::uint32_t max_distance = 31;  // bits of 256; PDQ's recommendation
  int min_quality = 50;             // fingerprints below are never used to drop
  bool mirrored = false;            // a mirror image is a look-alike, too
  bool rotated = false;             // so is one turned by 90, 180 or 270 degrees
  DedupScope scope = DedupScope::kCollection;
  std::map<std::string, std::string> groups = {};  // source to the name of its group
  // Only images taken within this time of each other are compared, and what was ingested longer ago
  // is forgotten; 0 = everything, for ever.
  double window_seconds = 0;
  Keep keep = Keep::kFirst;
  double better_by = 0.05;   // share by which a copy must outrank the earlier ones, with kBest
  double burst_seconds = 2;
};

// Whose images a record is compared with: records of different scopes never meet. Not empty, and
// equal for equal arguments: the key of images.safe.
std::string ScopeOf(const DedupPolicy& policy, const CollectionId& collection,
                    const SourceId& source);

struct BalanceAxis {
  // "class", "lighting", "source", "site", "format" or "attribute:<key>".
  std::string name;
  // Target share per value, 0..1, sum <= 1; values not listed share what is left equally.
  std::map<std::string, double> targets;
  double tolerance = 0.05;          // absolute, added to the share
};

struct BalancePolicy {
  std::vector<BalanceAxis> axes;    // empty: everything is admitted
  std::uint64_t warmup = 50;        // images per stratum admitted before shares are enforced
  std::uint64_t reserve_images = 10'000;
  std::uint64_t reserve_bytes = 4ull << 30;
};

struct OutputPolicy {
  std::map<std::string, double> splits = {{"train", 1.0}};  // name to share, sum 1
  std::uint64_t shard_images = 10'000;
  std::uint64_t shard_bytes = 1ull << 30;
};

struct CollectionSpec {
  CollectionId collection;
  Objective objective;
  IngestPolicy ingest;
  ValidateRules validate;
  PrivacyPolicy privacy;
  DedupPolicy dedup;
  BalancePolicy balance;
  OutputPolicy output;
  // SHA-256, hex, of the canonical form (all values with defaults filled in, comments gone): equal
  // for specs that mean the same.
  std::string digest;
};

// The value of the required key `winnow`.
inline constexpr int kFormatVersion = 1;

// One finding of the checker.
struct Problem {
  int line = 0;    // 1-based; 0 if the file as a whole
  int column = 0;  // 1-based
  std::string message;  // what is wrong and the nearest valid value
};

struct CheckedSpec {
  CollectionSpec spec;            // valid only if `problems` is empty
  std::vector<Problem> problems;  // in file order
};

// Parses and checks YAML text. Never throws; reports every problem, not just the first (of a file
// with more than 100 the first 100; of a file that is not YAML the first). Input over 1 MiB, nested
// deeper than 16 or with aliases is a problem too. Thread-safe.
CheckedSpec Parse(const std::string& yaml);

// Reads and parses a file. Error kConfig with one "file:line:column: message" line per problem, or
// saying why the file cannot be read.
Result<CollectionSpec> Load(const std::string& path);

// Canonical YAML with every default written out; meaning, unit, range and source as comments.
// Parse(Describe(spec)) gives the same spec and digest, for any spec that has no problems.
std::string Describe(const CollectionSpec& spec);

// What CollectionSpec::digest holds after Parse; for a spec that was put together in code.
std::string Digest(const CollectionSpec& spec);

}  // namespace winnow::spec
