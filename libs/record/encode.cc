#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <algorithm>

#include "libs/base/check.h"
#include "libs/base/utf8.h"
#include "libs/record/closed_sets.h"
#include "libs/record/codec.h"
#include "libs/record/wire_arena.h"

namespace winnow::record {
namespace {

template <class Pairs, class Closed>
auto ToWire(const Pairs& pairs, Closed value) {
  const auto found = std::find_if(pairs.begin(), pairs.end(),
                                  [&](const auto& pair) { return pair.first == value; });
  WINNOW_CHECK(found != pairs.end());
  return found->second;
}

enum class Bytes { kInclude, kLeaveOut };

std::int64_t Millis(Timestamp time) { return time.time_since_epoch().count(); }

// Unknown fields were well-formed when Decode kept them.
void PutUnknown(const std::string& fields, google::protobuf::Message* wire) {
  if (fields.empty()) return;
  WINNOW_CHECK(wire->GetReflection()->MutableUnknownFields(wire)->ParseFromString(fields));
}

template <class Strings>
void PutStrings(const Strings& strings, google::protobuf::RepeatedPtrField<std::string>* wire) {
  for (const std::string& text : strings) *wire->Add() = ToUtf8(text);
}

void Put(const std::map<std::string, std::string>& map,
         google::protobuf::Map<std::string, std::string>* wire) {
  for (const auto& [key, value] : map) (*wire)[ToUtf8(key)] = ToUtf8(value);
}

void Put(const std::map<std::string, double>& map,
         google::protobuf::Map<std::string, double>* wire) {
  for (const auto& [key, value] : map) (*wire)[ToUtf8(key)] = value;
}

void Put(const Source& source, pb::Source* wire) {
  wire->set_id(ToUtf8(source.id.value()));
  wire->set_kind(ToWire(kSourceKinds, source.kind));
  wire->set_site(ToUtf8(source.site));
  wire->set_path(source.path);
  PutUnknown(source.unknown_fields, wire);
}

void Put(const Payload& payload, Bytes bytes, pb::ImageRecord* record) {
  const PayloadContent* content = ContentOf(payload);
  if (content == nullptr) return;
  pb::Payload* wire = record->mutable_payload();
  if (bytes == Bytes::kInclude) wire->set_in_blob_store(content->in_store);
  if (bytes == Bytes::kInclude && !content->in_store) {
    wire->set_content(content->bytes.view().data(), content->bytes.size());
  }
  wire->set_media_type(ToUtf8(content->media_type));
  wire->set_length(content->length());
  wire->set_sha256(content->sha256.data(), content->sha256.size());
  wire->set_zone(std::holds_alternative<SafePayload>(payload) ? pb::ZONE_SAFE : pb::ZONE_RAW);
  PutUnknown(content->unknown_fields, wire);
}

void Put(const Box& box, pb::Box* wire) {
  wire->set_x(box.x);
  wire->set_y(box.y);
  wire->set_width(box.width);
  wire->set_height(box.height);
}

void Put(const Polygons& polygons, pb::Polygons* wire) {
  for (const auto& ring : polygons.rings) {
    auto* xy = wire->add_rings()->mutable_xy();
    for (const Point& point : ring) {
      xy->Add(point.x);
      xy->Add(point.y);
    }
  }
}

void Put(const MaskRle& mask, pb::Mask* wire) {
  wire->set_width(mask.width);
  wire->set_height(mask.height);
  wire->mutable_counts()->Add(mask.counts.begin(), mask.counts.end());
}

void Put(const Annotation& annotation, pb::Annotation* wire) {
  wire->set_label(ToUtf8(annotation.label));
  if (annotation.box) Put(*annotation.box, wire->mutable_box());
  if (annotation.polygons) Put(*annotation.polygons, wire->mutable_polygons());
  if (annotation.mask) Put(*annotation.mask, wire->mutable_mask());
  for (const Keypoint& keypoint : annotation.keypoints) {
    pb::Keypoint* point = wire->add_keypoints();
    point->set_x(keypoint.at.x);
    point->set_y(keypoint.at.y);
    point->set_visibility(keypoint.visibility);
  }
  Put(annotation.attributes, wire->mutable_attributes());
  PutUnknown(annotation.unknown_fields, wire);
}

void Put(const Consent& consent, pb::Consent* wire) {
  wire->set_basis(ToUtf8(consent.basis));
  PutStrings(consent.subjects, wire->mutable_subjects());
  PutStrings(consent.purposes, wire->mutable_purposes());
  wire->set_jurisdiction(ToUtf8(consent.jurisdiction));
  if (consent.expires_at) wire->set_expires_at_ms(Millis(*consent.expires_at));
  PutUnknown(consent.unknown_fields, wire);
}

void Put(const Measurements& measured, pb::Measurements* wire) {
  wire->set_format(ToWire(kImageFormats, measured.format));
  wire->set_width(measured.width);
  wire->set_height(measured.height);
  wire->set_orientation(measured.orientation);
  wire->set_sharpness(measured.sharpness);
  wire->set_brightness_p5(measured.brightness_p5);
  wire->set_brightness_p99(measured.brightness_p99);
  wire->set_brightness_mean(measured.brightness_mean);
  wire->set_contrast(measured.contrast);
  wire->set_noise_sigma(measured.noise_sigma);
  wire->set_entropy_bits(measured.entropy_bits);
  wire->set_blockiness(measured.blockiness);
  wire->set_lighting(ToWire(kLightings, measured.lighting));
  PutUnknown(measured.unknown_fields, wire);
}

void Put(const Fingerprint& fingerprint, pb::Fingerprint* wire) {
  wire->mutable_bits()->Add(fingerprint.bits.begin(), fingerprint.bits.end());
  wire->set_quality(fingerprint.quality);
  for (const FingerprintBits& bits : fingerprint.turned) {
    wire->mutable_turned()->Add(bits.begin(), bits.end());
  }
  PutUnknown(fingerprint.unknown_fields, wire);
}

void Put(const Redaction& redaction, pb::Redaction* wire) {
  for (const RedactedRegion& region : redaction.regions) {
    pb::RedactedRegion* to = wire->add_regions();
    Put(region.box, to->mutable_box());
    to->set_kind(ToUtf8(region.kind));
    to->set_score(region.score);
    PutUnknown(region.unknown_fields, to);
  }
  wire->set_area_ratio(redaction.area_ratio);
  wire->set_residual_score(redaction.residual_score);
  wire->set_pixels_untouched(redaction.pixels_untouched);
  PutStrings(redaction.stripped, wire->mutable_stripped());
  PutUnknown(redaction.unknown_fields, wire);
}

void Put(const Duplicate& duplicate, pb::Duplicate* wire) {
  wire->set_of(ToUtf8(duplicate.of.value()));
  wire->set_distance(duplicate.distance);
  wire->set_exact(duplicate.exact);
  wire->set_cluster(ToUtf8(duplicate.cluster.value()));
  wire->set_turn(ToWire(kTurns, duplicate.turn));
  for (const RecordId& id : duplicate.replaces) wire->add_replaces(ToUtf8(id.value()));
  PutUnknown(duplicate.unknown_fields, wire);
}

void Put(const Selection& selection, pb::Selection* wire) {
  PutStrings(selection.strata, wire->mutable_strata());
  wire->set_from_reserve(selection.from_reserve);
  PutStrings(selection.withdrawn, wire->mutable_withdrawn());
  PutUnknown(selection.unknown_fields, wire);
}

void Put(const Placement& placement, pb::Placement* wire) {
  wire->set_split(ToUtf8(placement.split));
  wire->set_shard(ToUtf8(placement.shard));
  wire->set_key(ToUtf8(placement.key));
  PutUnknown(placement.unknown_fields, wire);
}

void Put(const StageVerdict& verdict, pb::StageVerdict* wire) {
  wire->set_stage(ToUtf8(verdict.stage));
  wire->set_disposition(ToWire(Dispositions(), verdict.disposition));
  wire->set_reason(ToWire(Reasons(), verdict.reason));
  wire->set_detail(verdict.detail);
  Put(verdict.scores, wire->mutable_scores());
  Put(verdict.thresholds, wire->mutable_thresholds());
  wire->set_spec_digest(ToUtf8(verdict.spec_digest));
  wire->set_model_digest(ToUtf8(verdict.model_digest));
  wire->set_time_ms(Millis(verdict.time));
  PutUnknown(verdict.unknown_fields, wire);
}

void PutAddedByStages(const ImageRecord& record, pb::ImageRecord* wire) {
  if (record.measurements) Put(*record.measurements, wire->mutable_measurements());
  if (record.fingerprint) Put(*record.fingerprint, wire->mutable_fingerprint());
  if (record.redaction) Put(*record.redaction, wire->mutable_redaction());
  if (record.duplicate) Put(*record.duplicate, wire->mutable_duplicate());
  if (record.selection) Put(*record.selection, wire->mutable_selection());
  if (record.placement) Put(*record.placement, wire->mutable_placement());
  for (const StageVerdict& verdict : record.history) Put(verdict, wire->add_history());
}

std::string EncodeRecord(const ImageRecord& record, Bytes bytes) {
  WireArena arena;
  pb::ImageRecord& wire = *arena.New<pb::ImageRecord>();
  wire.set_id(ToUtf8(record.id.value()));
  wire.set_collection(ToUtf8(record.collection.value()));
  Put(record.source, wire.mutable_source());
  if (record.captured_at) wire.set_captured_at_ms(Millis(*record.captured_at));
  wire.set_ingested_at_ms(Millis(record.ingested_at));
  Put(record.payload, bytes, &wire);
  Put(record.attributes, wire.mutable_attributes());
  for (const Annotation& annotation : record.annotations) Put(annotation, wire.add_annotations());
  if (record.consent) Put(*record.consent, wire.mutable_consent());
  wire.set_source_fault(ToWire(Reasons(), record.source_fault));
  wire.set_source_fault_detail(record.source_fault_detail);
  PutAddedByStages(record, &wire);
  PutUnknown(record.unknown_fields, &wire);

  // Verdicts of earlier stages come before those added since.
  const std::size_t size = wire.ByteSizeLong();
  std::string encoded;
  encoded.reserve(record.undecoded.size() + size);
  encoded = record.undecoded;
  encoded.resize(record.undecoded.size() + size);
  google::protobuf::io::ArrayOutputStream stream(encoded.data() + record.undecoded.size(),
                                                 static_cast<int>(size));
  google::protobuf::io::CodedOutputStream coded(&stream);
  coded.SetSerializationDeterministic(true);
  wire.SerializeWithCachedSizes(&coded);
  coded.Trim();
  WINNOW_CHECK(!coded.HadError());
  return encoded;
}

}  // namespace

std::string RecordCodec::Encode(const ImageRecord& record) {
  return EncodeRecord(record, Bytes::kInclude);
}

std::string RecordCodec::EncodeWithoutPayload(const ImageRecord& record) {
  return EncodeRecord(record, Bytes::kLeaveOut);
}

}  // namespace winnow::record
