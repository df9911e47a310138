// ImageRecord: one image on its way through the pipeline, with everything known about it.
//
// A plain value. Copying is cheap (payload bytes are shared). Struct members named
// `unknown_fields` hold protobuf fields of a newer schema, so that they survive every stage.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "libs/base/bytes.h"
#include "libs/base/clock.h"
#include "libs/base/digest.h"
#include "libs/base/ids.h"
#include "libs/record/payload.h"
#include "libs/record/reason.h"

namespace winnow::record {

// ---- where it comes from -------------------------------------------------------------------

enum class SourceKind { kFolder, kFeed, kUpload, kCamera };

struct Source {
  SourceId id;
  SourceKind kind = SourceKind::kFolder;
  std::string site;  // shop, crossing, vehicle; may be empty
  std::string path;  // the image's name within the source, '/'-separated
  std::string unknown_fields;

  // Only cameras have a before and after; other sources may be processed in any order.
  bool temporal() const { return kind == SourceKind::kCamera; }
  friend bool operator==(const Source&, const Source&) = default;
};

// ---- annotations: coordinates are pixels of the stored (not EXIF-rotated) picture, origin at
// the top left corner of the top left pixel, x to the right, y down ---------------------------

struct Point {
  double x = 0;
  double y = 0;
  friend bool operator==(const Point&, const Point&) = default;
};

struct Box {
  double x = 0;  // left
  double y = 0;  // top
  double width = 0;
  double height = 0;

  double area() const { return width * height; }
  friend bool operator==(const Box&, const Box&) = default;
};

struct Keypoint {
  Point at;
  int visibility = 0;  // COCO: 0 not labelled, 1 labelled but hidden, 2 visible
  friend bool operator==(const Keypoint&, const Keypoint&) = default;
};

struct Polygons {  // one object; more than one ring where it is occluded in the middle
  std::vector<std::vector<Point>> rings;
  friend bool operator==(const Polygons&, const Polygons&) = default;
};

struct MaskRle {  // COCO uncompressed run lengths, column-major, starting with zeros
  std::uint32_t width = 0;
  std::uint32_t height = 0;
  std::vector<std::uint32_t> counts;
  friend bool operator==(const MaskRle&, const MaskRle&) = default;
};

struct Annotation {
  std::string label;                // a class of the collection's ontology
  std::optional<Box> box;           // without box, polygons, mask, keypoints: a tag on the image
  std::optional<Polygons> polygons;
  std::optional<MaskRle> mask;
  std::vector<Keypoint> keypoints;
  std::map<std::string, std::string> attributes;
  std::string unknown_fields;
  friend bool operator==(const Annotation&, const Annotation&) = default;
};

// ---- consent -------------------------------------------------------------------------------

struct Consent {
  std::string basis;                  // "consent", "contract", "legitimate_interest", "public_domain" ...
  std::vector<std::string> subjects;  // pseudonymous ids of the people it is about
  std::vector<std::string> purposes;  // "train", "evaluate", "publish" ...
  std::string jurisdiction;           // "EU", "US-CA" ...
  std::optional<Timestamp> expires_at;
  std::string unknown_fields;
  friend bool operator==(const Consent&, const Consent&) = default;
};

// ---- what the stages add -------------------------------------------------------------------

enum class ImageFormat { kUnknown, kJpeg, kPng, kWebp, kTiff, kBmp };

std::string_view Name(ImageFormat format);  // "jpeg"
std::string_view MediaType(ImageFormat format);  // "image/jpeg"

// Names are axis values for balancing: "dark", "dim", "normal", "bright".
enum class Lighting { kUnknown, kDark, kDim, kNormal, kBright };

std::string_view Name(Lighting lighting);

// By the validator, from one decode. Definitions and sources: libs/image/quality.h.
struct Measurements {
  ImageFormat format = ImageFormat::kUnknown;
  std::uint32_t width = 0;   // stored pixels
  std::uint32_t height = 0;
  int orientation = 1;       // EXIF 1..8; 1 = upright
  double sharpness = 0;      // 0 blurred .. 1 sharp
  double brightness_p5 = 0;  // 5th and 99th percentile of brightness, 0..1
  double brightness_p99 = 0;
  double brightness_mean = 0;
  double contrast = 0;       // standard deviation of luma, 0..1
  double noise_sigma = 0;    // grey levels of 255
  double entropy_bits = 0;   // of the grey histogram, 0..8
  double blockiness = 0;     // 0 none; see quality.h
  Lighting lighting = Lighting::kUnknown;
  std::string unknown_fields;
  friend bool operator==(const Measurements&, const Measurements&) = default;
};

// The eight ways to lay a picture on itself; rotations are clockwise.
enum class Turn {
  kNone,
  kRotated90,
  kRotated180,
  kRotated270,
  kMirrored,     // left and right changed places
  kFlipped,      // top and bottom
  kTransposed,   // about the diagonal from the top left
  kTransversed,  // about the diagonal from the top right
};

inline constexpr std::array kAllTurns = {Turn::kNone,       Turn::kRotated90,  Turn::kRotated180,
                                         Turn::kRotated270, Turn::kMirrored,   Turn::kFlipped,
                                         Turn::kTransposed, Turn::kTransversed};

std::string_view Name(Turn turn);  // "rotated_90"

using FingerprintBits = std::array<std::uint64_t, 4>;  // [0] holds hash bits 0..63

// PDQ-compatible perceptual hash (Meta ThreatExchange) of the upright picture.
struct Fingerprint {
  FingerprintBits bits{};
  int quality = 0;  // 0..100; <= 49 must not be used to call duplicates
  // Of the picture turned by kAllTurns[1], [2] ...: all seven where the spec asks for mirrored or
  // rotated look-alikes, else none. The deduper takes them off.
  std::vector<FingerprintBits> turned = {};
  std::string unknown_fields = {};
  friend bool operator==(const Fingerprint&, const Fingerprint&) = default;
};

struct RedactedRegion {
  Box box;           // stored pixels; what was destroyed, already grown beyond the detection
  std::string kind;  // "face", "plate"
  double score = 0;  // detector's, 0..1
  std::string unknown_fields;
  friend bool operator==(const RedactedRegion&, const RedactedRegion&) = default;
};

struct Redaction {
  std::vector<RedactedRegion> regions;
  double area_ratio = 0;        // redacted pixels / all pixels
  double residual_score = 0;    // best face score found on the output, 0 if none
  bool pixels_untouched = false;  // no region: coded picture is bit-exact
  std::vector<std::string> stripped;  // metadata removed: "gps", "serial", "maker_note", "thumbnail" ...
  std::string unknown_fields;
  friend bool operator==(const Redaction&, const Redaction&) = default;
};

struct Duplicate {
  RecordId of;       // the earlier record it duplicates; empty for a record that is not one
  int distance = 0;  // Hamming bits, 0..256; 0 with `exact`
  bool exact = false;  // same bytes
  RecordId cluster;  // first record of its group of look-alikes; splits never divide a cluster
  Turn turn = Turn::kNone;  // how this picture must be turned to look like `of`
  // Earlier records of the cluster, forwarded before, whose place this better copy takes. Each
  // later stage gives them up in favour of this record, wherever they are by then.
  std::vector<RecordId> replaces = {};
  std::string unknown_fields = {};
  friend bool operator==(const Duplicate&, const Duplicate&) = default;
};

struct Selection {
  std::vector<std::string> strata;  // "axis=value" the record was counted under
  bool from_reserve = false;
  // Of the earlier copies it took the place of: what they were counted under and are no longer, a
  // stratum once for each of them.
  std::vector<std::string> withdrawn = {};
  std::string unknown_fields = {};
  friend bool operator==(const Selection&, const Selection&) = default;
};

// Where the sink put it.
struct Placement {
  std::string split;  // "train"
  std::string shard;  // "street-train-000003.tar"
  std::string key;    // sample key within the shard
  std::string unknown_fields;
  friend bool operator==(const Placement&, const Placement&) = default;
};

// What one stage decided and from which figures.
struct StageVerdict {
  std::string stage;
  Disposition disposition = Disposition::kForwarded;
  Reason reason = Reason::kNone;
  std::string detail;  // "sharpness 0.21 is below the minimum 0.30"
  std::map<std::string, double> scores;
  std::map<std::string, double> thresholds;
  std::string spec_digest;
  std::string model_digest;
  Timestamp time{};
  std::string unknown_fields;
  friend bool operator==(const StageVerdict&, const StageVerdict&) = default;
};

// In-process cache a stage leaves for the next one in the same process, so that an image is
// decoded once. Never serialised: a stage must give the same outcome without it.
class Attachment {
 public:
  virtual ~Attachment() = default;
};

// How much of a record is decoded. What a stage passes on without a look need not be: it goes on as
// it came, in front of what the stage added to it, and whoever looks at it checks it.
enum class Extent { kWhole, kOutline };

struct ImageRecord {
  RecordId id;
  CollectionId collection;
  Source source;
  std::optional<Timestamp> captured_at;
  Timestamp ingested_at{};
  Payload payload;
  std::map<std::string, std::string> attributes;  // as declared by the source, never inferred
  std::vector<Annotation> annotations;
  std::optional<Consent> consent;
  // Set by the source when the image or its labels could not even be read; the validator turns it
  // into the verdict, so that such a file is counted like any other.
  Reason source_fault = Reason::kNone;
  std::string source_fault_detail;

  std::optional<Measurements> measurements;
  std::optional<Fingerprint> fingerprint;
  std::optional<Redaction> redaction;
  std::optional<Duplicate> duplicate;
  std::optional<Selection> selection;
  std::optional<Placement> placement;
  std::vector<StageVerdict> history;
  std::string unknown_fields;

  // The wire form of what a decoded outline leaves out: attributes, annotations, consent, redaction
  // and history, which are then empty or hold what was added. Of the codec's; see Extent.
  std::string undecoded;

  std::shared_ptr<const Attachment> attachment;  // not part of equality
};

bool operator==(const ImageRecord& a, const ImageRecord& b);

// The id of an image that came without one: the first 128 bits, as hex, of
// SHA-256(source id, 0, path, 0, SHA-256 of the bytes). The same file offered again is the same
// record; a copy under another name is another record.
RecordId DeriveRecordId(const SourceId& source, std::string_view path,
                        const Sha256Digest& content_sha256);

}  // namespace winnow::record
