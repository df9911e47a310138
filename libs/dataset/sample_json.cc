#include "libs/dataset/sample_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "libs/base/digest.h"
#include "libs/image/fingerprint.h"

namespace winnow::dataset {
namespace {

using Json = nlohmann::json;  // keeps keys sorted

// "2026-03-01T12:00:00.250Z", by the civil-from-days arithmetic of the calendar in <chrono>.
std::string Iso8601(Timestamp time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count(),
                     clock.subseconds().count());
}

std::string_view Name(record::SourceKind kind) {
  switch (kind) {
    case record::SourceKind::kFolder: return "folder";
    case record::SourceKind::kFeed: return "feed";
    case record::SourceKind::kUpload: return "upload";
    case record::SourceKind::kCamera: return "camera";
  }
  return "unknown";
}

Json BoxJson(const record::Box& box) { return Json::array({box.x, box.y, box.width, box.height}); }

Json RingsJson(const record::Polygons& polygons) {
  Json rings = Json::array();
  for (const auto& ring : polygons.rings) {
    Json flat = Json::array();
    for (const record::Point& point : ring) {
      flat.push_back(point.x);
      flat.push_back(point.y);
    }
    rings.push_back(std::move(flat));
  }
  return rings;
}

Json RleJson(const record::MaskRle& mask) {
  return {{"size", {mask.height, mask.width}}, {"counts", mask.counts}};
}

Json KeypointsJson(const std::vector<record::Keypoint>& keypoints) {
  Json flat = Json::array();
  for (const record::Keypoint& keypoint : keypoints) {
    flat.push_back(keypoint.at.x);
    flat.push_back(keypoint.at.y);
    flat.push_back(keypoint.visibility);
  }
  return flat;
}

bool IsTag(const record::Annotation& annotation) {
  return !annotation.box && !annotation.polygons && !annotation.mask &&
         annotation.keypoints.empty();
}

Json AnnotationJson(const record::Annotation& annotation) {
  Json json = {{"label", annotation.label}};
  if (annotation.box) json["bbox"] = BoxJson(*annotation.box);
  if (annotation.polygons) json["segmentation"] = RingsJson(*annotation.polygons);
  if (annotation.mask) {
    json[annotation.polygons ? "rle" : "segmentation"] = RleJson(*annotation.mask);
  }
  if (!annotation.keypoints.empty()) {
    json["keypoints"] = KeypointsJson(annotation.keypoints);
    json["num_keypoints"] =
        std::count_if(annotation.keypoints.begin(), annotation.keypoints.end(),
                      [](const record::Keypoint& k) { return k.visibility > 0; });
  }
  if (!annotation.attributes.empty()) json["attributes"] = annotation.attributes;
  return json;
}

void AddLabels(const record::ImageRecord& record, Json& json) {
  Json annotations = Json::array();
  Json tags = Json::array();
  for (const record::Annotation& annotation : record.annotations) {
    if (IsTag(annotation) && annotation.attributes.empty()) {
      tags.push_back(annotation.label);
    } else {
      annotations.push_back(AnnotationJson(annotation));
    }
  }
  json["annotations"] = std::move(annotations);
  json["tags"] = std::move(tags);
}

Json MeasurementsJson(const record::Measurements& m) {
  return {{"sharpness", m.sharpness},
          {"brightness_p5", m.brightness_p5},
          {"brightness_p99", m.brightness_p99},
          {"brightness_mean", m.brightness_mean},
          {"contrast", m.contrast},
          {"noise_sigma", m.noise_sigma},
          {"entropy_bits", m.entropy_bits},
          {"blockiness", m.blockiness},
          {"lighting", record::Name(m.lighting)}};
}

Json FingerprintJson(const record::Fingerprint& fingerprint) {
  return {{"pdq", image::ToHex(fingerprint)}, {"quality", fingerprint.quality}};
}

// The stage that redacted is the one whose verdict names the detector's model.
std::string RedactionModel(const record::ImageRecord& record) {
  for (const record::StageVerdict& verdict : record.history) {
    if (!verdict.model_digest.empty()) return verdict.model_digest;
  }
  return {};
}

Json RedactionJson(const record::ImageRecord& record) {
  const record::Redaction& redaction = *record.redaction;
  Json regions = Json::array();
  for (const record::RedactedRegion& region : redaction.regions) {
    regions.push_back(
        {{"bbox", BoxJson(region.box)}, {"kind", region.kind}, {"score", region.score}});
  }
  return {{"regions", std::move(regions)},
          {"area_ratio", redaction.area_ratio},
          {"residual_score", redaction.residual_score},
          {"pixels_untouched", redaction.pixels_untouched},
          {"metadata_stripped", redaction.stripped},
          {"model_digest", RedactionModel(record)}};
}

Json DuplicateJson(const record::Duplicate& duplicate) {
  Json json = {{"cluster", duplicate.cluster.value()}};
  if (!duplicate.of.empty()) {
    json["of"] = duplicate.of.value();
    json["distance"] = duplicate.distance;
    json["exact"] = duplicate.exact;
  }
  for (const RecordId& id : duplicate.replaces) json["replaces"].push_back(id.value());
  return json;
}

Json ConsentJson(const record::Consent& consent) {
  Json json = {{"basis", consent.basis},
               {"purposes", consent.purposes},
               {"jurisdiction", consent.jurisdiction}};
  if (consent.expires_at) json["expires_at"] = Iso8601(*consent.expires_at);
  return json;
}

Json VerdictJson(const record::StageVerdict& verdict) {
  Json json = {{"stage", verdict.stage},
               {"verdict", record::Name(verdict.disposition)},
               {"reason", record::Name(verdict.reason)}};
  if (!verdict.detail.empty()) json["detail"] = verdict.detail;
  if (!verdict.scores.empty()) json["scores"] = verdict.scores;
  if (!verdict.thresholds.empty()) json["thresholds"] = verdict.thresholds;
  return json;
}

Json HistoryJson(const record::ImageRecord& record) {
  Json history = Json::array();
  for (const record::StageVerdict& verdict : record.history) {
    history.push_back(VerdictJson(verdict));
  }
  return history;
}

Json Common(const record::ImageRecord& record) {
  Json json = {{"id", record.id.value()},
               {"collection", record.collection.value()},
               {"source",
                {{"id", record.source.id.value()},
                 {"kind", Name(record.source.kind)},
                 {"site", record.source.site},
                 {"path", record.source.path}}},
               {"history", HistoryJson(record)}};
  if (record.captured_at) json["captured_at"] = Iso8601(*record.captured_at);
  if (record.measurements) {
    json["width"] = record.measurements->width;
    json["height"] = record.measurements->height;
    json["orientation"] = record.measurements->orientation;
    json["format"] = record::Name(record.measurements->format);
    json["measurements"] = MeasurementsJson(*record.measurements);
  }
  if (record.fingerprint) json["fingerprint"] = FingerprintJson(*record.fingerprint);
  if (record.duplicate) json["duplicate"] = DuplicateJson(*record.duplicate);
  return json;
}

std::string Dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

std::string SampleJson(const record::ImageRecord& record) {
  Json json = Common(record);
  AddLabels(record, json);
  json["attributes"] = record.attributes;
  if (const auto* content = record::ContentOf(record.payload)) {
    json["media_type"] = content->media_type;
    json["sha256"] = ToHex(content->sha256);
  }
  if (record.consent) json["consent"] = ConsentJson(*record.consent);
  if (record.redaction) json["redaction"] = RedactionJson(record);
  if (record.selection) {
    json["selection"] = {{"strata", record.selection->strata},
                         {"from_reserve", record.selection->from_reserve}};
  }
  if (record.placement) json["split"] = record.placement->split;
  return Dump(json);
}

std::string RejectedJson(const record::ImageRecord& record) {
  Json json = Common(record);
  if (!record.history.empty()) {
    const Json verdict = VerdictJson(record.history.back());
    json.update(verdict);
  }
  return Dump(json);
}

std::string SampleKey(const RecordId& id) {
  const std::string& value = id.value();
  const bool plain =
      !value.empty() && value.size() <= 64 && std::all_of(value.begin(), value.end(), [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
               c == '-' || c == '_';
      });
  return plain ? value : ToHex(Sha256(value)).substr(0, 32);
}

std::string ImageExtension(std::string_view media_type) {
  if (media_type == "image/jpeg") return "jpg";
  if (media_type == "image/png") return "png";
  if (media_type == "image/webp") return "webp";
  return "bin";
}

}  // namespace winnow::dataset
