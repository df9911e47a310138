#include <google/protobuf/stubs/logging.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <tuple>
#include <utility>

#include "libs/base/check.h"
#include "libs/record/closed_sets.h"
#include "libs/record/codec.h"
#include "libs/record/outline.h"
#include "libs/record/wire_arena.h"

namespace winnow::record {
namespace {

std::string Unknown(const google::protobuf::Message& wire) {
  const auto& fields = wire.GetReflection()->GetUnknownFields(wire);
  std::string bytes;
  if (!fields.empty()) WINNOW_CHECK(fields.SerializeToString(&bytes));
  return bytes;
}

// Turns wire messages into values and remembers the first thing wrong.
class Reader {
 public:
  explicit Reader(Zone zone) : zone_(zone) {}

  ImageRecord Read(pb::ImageRecord& wire);
  // Empty if all was well.
  const std::string& problem() const { return problem_; }

  // The payload read was encoded as safe; only RecordCodec itself may make it a SafePayload.
  bool safe_payload() const { return safe_payload_; }

 private:
  void Fail(std::string problem) {
    if (problem_.empty()) problem_ = std::move(problem);
  }
  void Require(bool condition, const char* problem) {
    if (!condition) Fail(problem);
  }

  template <class Pairs>
  auto Closed(const Pairs& pairs, int wire, const char* name) {
    const auto found =
        std::find_if(pairs.begin(), pairs.end(),
                     [&](const auto& pair) { return static_cast<int>(pair.second) == wire; });
    if (found != pairs.end()) return found->first;
    Fail(std::string(name) + " " + std::to_string(wire) +
         " is not known to this version; upgrade this program before the one that wrote it");
    return pairs.front().first;
  }
  // Geometry has no place to keep fields of a newer schema, so none may be there.
  void Frozen(const google::protobuf::Message& wire, const char* name) {
    if (!Unknown(wire).empty()) Fail(std::string(name) + " has fields that do not exist");
  }
  static Timestamp Time(std::int64_t millis) {
    return Timestamp(std::chrono::milliseconds(millis));
  }

  Source Get(const pb::Source& wire);
  PayloadContent Get(pb::Payload& wire);
  Box Get(const pb::Box& wire);
  Polygons Get(const pb::Polygons& wire);
  MaskRle Get(const pb::Mask& wire);
  Keypoint Get(const pb::Keypoint& wire);
  Annotation Get(const pb::Annotation& wire);
  Consent Get(const pb::Consent& wire);
  Measurements Get(const pb::Measurements& wire);
  std::vector<FingerprintBits> TurnedBits(const pb::Fingerprint& wire);
  Fingerprint Get(const pb::Fingerprint& wire);
  RedactedRegion Get(const pb::RedactedRegion& wire);
  Redaction Get(const pb::Redaction& wire);
  Duplicate Get(const pb::Duplicate& wire);
  Selection Get(const pb::Selection& wire);
  Placement Get(const pb::Placement& wire);
  StageVerdict Get(const pb::StageVerdict& wire);
  void GetAddedByStages(const pb::ImageRecord& wire, ImageRecord& record);

  Zone zone_;
  std::string problem_;
  bool safe_payload_ = false;
};


template <class Map>
auto Sorted(const Map& wire) {
  return std::map<typename Map::key_type, typename Map::mapped_type>(wire.begin(), wire.end());
}

std::vector<std::string> Strings(const google::protobuf::RepeatedPtrField<std::string>& wire) {
  return {wire.begin(), wire.end()};
}

Source Reader::Get(const pb::Source& wire) {
  Source source;
  source.id = SourceId(wire.id());
  source.kind = Closed(kSourceKinds, wire.kind(), "source kind");
  source.site = wire.site();
  source.path = wire.path();
  source.unknown_fields = Unknown(wire);
  return source;
}

PayloadContent Reader::Get(pb::Payload& wire) {
  PayloadContent content;
  const std::size_t size = wire.content().size();
  Require(size == 0 || wire.length() == size, "the payload's length disagrees with its bytes");
  Require(wire.sha256().size() == content.sha256.size(), "the payload's SHA-256 is not 32 bytes");
  Require(pb::Zone_IsValid(wire.zone()), "the payload's zone is not known to this version");
  Require(zone_ == Zone::kRaw || wire.zone() == pb::ZONE_SAFE ||
              (size == 0 && !wire.in_blob_store()),
          "unredacted bytes in the safe zone");
  Require(size == 0 || !wire.in_blob_store(), "the payload is both here and in the blob store");
  if (!problem_.empty()) return content;
  std::copy(wire.sha256().begin(), wire.sha256().end(), content.sha256.begin());
  content.media_type = wire.media_type();
  if (size == 0) content.left_out = wire.length();
  content.in_store = wire.in_blob_store();
  if (size != 0) content.bytes = SharedBytes(std::move(*wire.mutable_content()));
  content.unknown_fields = Unknown(wire);
  safe_payload_ = zone_ == Zone::kSafe && wire.zone() == pb::ZONE_SAFE;
  return content;
}

Box Reader::Get(const pb::Box& wire) {
  Frozen(wire, "Box");
  return {wire.x(), wire.y(), wire.width(), wire.height()};
}

Polygons Reader::Get(const pb::Polygons& wire) {
  Frozen(wire, "Polygons");
  Polygons polygons;
  for (const pb::Ring& ring : wire.rings()) {
    Frozen(ring, "Ring");
    Require(ring.xy_size() % 2 == 0, "a polygon ring has an x without a y");
    std::vector<Point>& points = polygons.rings.emplace_back();
    for (int i = 0; i + 1 < ring.xy_size(); i += 2) points.push_back({ring.xy(i), ring.xy(i + 1)});
  }
  return polygons;
}

MaskRle Reader::Get(const pb::Mask& wire) {
  Frozen(wire, "Mask");
  return {wire.width(), wire.height(), {wire.counts().begin(), wire.counts().end()}};
}

Keypoint Reader::Get(const pb::Keypoint& wire) {
  Frozen(wire, "Keypoint");
  return {{wire.x(), wire.y()}, wire.visibility()};
}

Annotation Reader::Get(const pb::Annotation& wire) {
  Annotation annotation;
  annotation.label = wire.label();
  if (wire.has_box()) annotation.box = Get(wire.box());
  if (wire.has_polygons()) annotation.polygons = Get(wire.polygons());
  if (wire.has_mask()) annotation.mask = Get(wire.mask());
  for (const pb::Keypoint& point : wire.keypoints()) annotation.keypoints.push_back(Get(point));
  annotation.attributes = Sorted(wire.attributes());
  annotation.unknown_fields = Unknown(wire);
  return annotation;
}

Consent Reader::Get(const pb::Consent& wire) {
  Consent consent;
  consent.basis = wire.basis();
  consent.subjects = Strings(wire.subjects());
  consent.purposes = Strings(wire.purposes());
  consent.jurisdiction = wire.jurisdiction();
  if (wire.has_expires_at_ms()) consent.expires_at = Time(wire.expires_at_ms());
  consent.unknown_fields = Unknown(wire);
  return consent;
}

Measurements Reader::Get(const pb::Measurements& wire) {
  Measurements measured;
  measured.format = Closed(kImageFormats, wire.format(), "image format");
  measured.width = wire.width();
  measured.height = wire.height();
  measured.orientation = wire.orientation();
  measured.sharpness = wire.sharpness();
  measured.brightness_p5 = wire.brightness_p5();
  measured.brightness_p99 = wire.brightness_p99();
  measured.brightness_mean = wire.brightness_mean();
  measured.contrast = wire.contrast();
  measured.noise_sigma = wire.noise_sigma();
  measured.entropy_bits = wire.entropy_bits();
  measured.blockiness = wire.blockiness();
  measured.lighting = Closed(kLightings, wire.lighting(), "lighting");
  measured.unknown_fields = Unknown(wire);
  return measured;
}

std::vector<FingerprintBits> Reader::TurnedBits(const pb::Fingerprint& wire) {
  constexpr int kWords = std::tuple_size_v<FingerprintBits>;
  constexpr int kAll = kWords * (static_cast<int>(kAllTurns.size()) - 1);
  const bool whole = wire.turned_size() == 0 || wire.turned_size() == kAll;
  Require(whole, "the fingerprint of the turned picture is not 7 times 256 bits");
  std::vector<FingerprintBits> turned(whole ? static_cast<std::size_t>(wire.turned_size() / kWords)
                                            : 0);
  auto word = wire.turned().begin();
  for (FingerprintBits& bits : turned) {
    for (std::uint64_t& half : bits) half = *word++;
  }
  return turned;
}

Fingerprint Reader::Get(const pb::Fingerprint& wire) {
  Fingerprint fingerprint;
  const bool whole = wire.bits_size() == static_cast<int>(fingerprint.bits.size());
  Require(whole, "the fingerprint is not 256 bits");
  if (whole) std::copy(wire.bits().begin(), wire.bits().end(), fingerprint.bits.begin());
  fingerprint.quality = wire.quality();
  fingerprint.turned = TurnedBits(wire);
  fingerprint.unknown_fields = Unknown(wire);
  return fingerprint;
}

RedactedRegion Reader::Get(const pb::RedactedRegion& wire) {
  RedactedRegion region;
  region.box = Get(wire.box());
  region.kind = wire.kind();
  region.score = wire.score();
  region.unknown_fields = Unknown(wire);
  return region;
}

Redaction Reader::Get(const pb::Redaction& wire) {
  Redaction redaction;
  for (const pb::RedactedRegion& region : wire.regions()) {
    redaction.regions.push_back(Get(region));
  }
  redaction.area_ratio = wire.area_ratio();
  redaction.residual_score = wire.residual_score();
  redaction.pixels_untouched = wire.pixels_untouched();
  redaction.stripped = Strings(wire.stripped());
  redaction.unknown_fields = Unknown(wire);
  return redaction;
}

Duplicate Reader::Get(const pb::Duplicate& wire) {
  Duplicate duplicate;
  duplicate.of = RecordId(wire.of());
  duplicate.distance = wire.distance();
  duplicate.exact = wire.exact();
  duplicate.cluster = RecordId(wire.cluster());
  duplicate.turn = Closed(kTurns, wire.turn(), "turn");
  for (const std::string& id : wire.replaces()) duplicate.replaces.emplace_back(id);
  duplicate.unknown_fields = Unknown(wire);
  return duplicate;
}

Selection Reader::Get(const pb::Selection& wire) {
  return {Strings(wire.strata()), wire.from_reserve(), Strings(wire.withdrawn()), Unknown(wire)};
}

Placement Reader::Get(const pb::Placement& wire) {
  return {wire.split(), wire.shard(), wire.key(), Unknown(wire)};
}

StageVerdict Reader::Get(const pb::StageVerdict& wire) {
  StageVerdict verdict;
  verdict.stage = wire.stage();
  verdict.disposition = Closed(Dispositions(), wire.disposition(), "disposition");
  verdict.reason = Closed(Reasons(), wire.reason(), "reason");
  verdict.detail = wire.detail();
  verdict.scores = Sorted(wire.scores());
  verdict.thresholds = Sorted(wire.thresholds());
  verdict.spec_digest = wire.spec_digest();
  verdict.model_digest = wire.model_digest();
  verdict.time = Time(wire.time_ms());
  verdict.unknown_fields = Unknown(wire);
  return verdict;
}

void Reader::GetAddedByStages(const pb::ImageRecord& wire, ImageRecord& record) {
  if (wire.has_measurements()) record.measurements = Get(wire.measurements());
  if (wire.has_fingerprint()) record.fingerprint = Get(wire.fingerprint());
  if (wire.has_redaction()) record.redaction = Get(wire.redaction());
  if (wire.has_duplicate()) record.duplicate = Get(wire.duplicate());
  if (wire.has_selection()) record.selection = Get(wire.selection());
  if (wire.has_placement()) record.placement = Get(wire.placement());
  // Room for the verdict of the stage that asks.
  record.history.reserve(static_cast<std::size_t>(wire.history_size()) + 1);
  for (const pb::StageVerdict& verdict : wire.history()) record.history.push_back(Get(verdict));
}

ImageRecord Reader::Read(pb::ImageRecord& wire) {
  ImageRecord record;
  record.id = RecordId(wire.id());
  record.collection = CollectionId(wire.collection());
  Require(wire.has_source(), "it names no source");
  if (wire.has_source()) record.source = Get(wire.source());
  if (wire.has_captured_at_ms()) record.captured_at = Time(wire.captured_at_ms());
  record.ingested_at = Time(wire.ingested_at_ms());
  if (wire.has_payload()) record.payload = RawPayload{Get(*wire.mutable_payload())};
  record.attributes = Sorted(wire.attributes());
  record.annotations.reserve(static_cast<std::size_t>(wire.annotations_size()));
  for (const pb::Annotation& annotation : wire.annotations()) {
    record.annotations.push_back(Get(annotation));
  }
  if (wire.has_consent()) record.consent = Get(wire.consent());
  record.source_fault = Closed(Reasons(), wire.source_fault(), "reason");
  record.source_fault_detail = wire.source_fault_detail();
  GetAddedByStages(wire, record);
  record.unknown_fields = Unknown(wire);
  return record;
}

// Protobuf prints each text field that is not UTF-8 to stderr; the caller gets an Error instead.
void SilenceProtobuf() {
  [[maybe_unused]] static const auto previous = google::protobuf::SetLogHandler(nullptr);
}

}  // namespace

Result<ImageRecord> RecordCodec::Decode(std::string_view bytes, Zone zone, Extent extent) {
  // To part a record copies it: not where a picture is in it.
  constexpr std::size_t kLargest = 64u << 10;
  thread_local Parted parted;
  if (extent == Extent::kWhole || bytes.size() > kLargest || !Part(bytes, parted)) {
    return Decode(bytes, zone);
  }
  Result<ImageRecord> record = Decode(parted.outline, zone);
  if (record) record->undecoded = parted.rest;
  return record;
}

Result<ImageRecord> RecordCodec::Decode(std::string_view bytes, Zone zone) {
  SilenceProtobuf();
  WireArena arena;
  pb::ImageRecord& wire = *arena.New<pb::ImageRecord>();
  if (bytes.size() > static_cast<std::size_t>(std::numeric_limits<int>::max()) ||
      !wire.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return InputError("not an image record: the " + std::to_string(bytes.size()) +
                      " bytes are not a winnow.v1.ImageRecord message");
  }
  Reader reader(zone);
  ImageRecord record = reader.Read(wire);
  if (!reader.problem().empty()) {
    return InputError("image record " + wire.id() + " is refused: " + reader.problem());
  }
  if (reader.safe_payload()) {
    record.payload =
        SafePayload(RedactionPass(), std::move(std::get<RawPayload>(record.payload).content));
  }
  return record;
}

}  // namespace winnow::record
