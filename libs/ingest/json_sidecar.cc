#include "libs/ingest/json_sidecar.h"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <string>
#include <utility>

#include "libs/ingest/geometry_json.h"
#include "libs/ingest/json_text.h"
#include "libs/ingest/time_text.h"

namespace winnow::ingest {
namespace {

Status CheckKeys(const Json& object, std::string_view what,
                 std::initializer_list<std::string_view> known) {
  if (!object.is_object()) return InputError(std::string(what) + " must be an object");
  for (const auto& item : object.items()) {
    if (std::find(known.begin(), known.end(), item.key()) != known.end()) continue;
    std::string names;
    for (const std::string_view name : known) {
      names += (names.empty() ? "" : ", ") + std::string(name);
    }
    return InputError("unknown key \"" + item.key() + "\" in " + std::string(what) +
                      "; known are " + names);
  }
  return {};
}

Result<Timestamp> ReadTime(const Json& value, std::string_view what) {
  WINNOW_ASSIGN_OR_RETURN(const std::string text, ReadText(value, what));
  const auto time = ParseRfc3339(text);
  if (!time) {
    return InputError("\"" + std::string(what) + "\" must be a time like 2024-05-01T12:30:00Z");
  }
  return *time;
}

Result<record::Consent> ReadConsent(const Json& value) {
  WINNOW_RETURN_IF_ERROR(CheckKeys(
      value, "consent", {"basis", "purposes", "subjects", "jurisdiction", "expires_at"}));
  record::Consent consent;
  if (const Json* basis = Member(value, "basis")) {
    WINNOW_ASSIGN_OR_RETURN(consent.basis, ReadText(*basis, "consent.basis"));
  }
  if (const Json* purposes = Member(value, "purposes")) {
    WINNOW_ASSIGN_OR_RETURN(consent.purposes, ReadTexts(*purposes, "consent.purposes"));
  }
  if (const Json* subjects = Member(value, "subjects")) {
    WINNOW_ASSIGN_OR_RETURN(consent.subjects, ReadTexts(*subjects, "consent.subjects"));
  }
  if (const Json* jurisdiction = Member(value, "jurisdiction")) {
    WINNOW_ASSIGN_OR_RETURN(consent.jurisdiction, ReadText(*jurisdiction, "consent.jurisdiction"));
  }
  if (const Json* expires_at = Member(value, "expires_at")) {
    WINNOW_ASSIGN_OR_RETURN(consent.expires_at, ReadTime(*expires_at, "consent.expires_at"));
  }
  return consent;
}

constexpr std::array kSourceKinds = {std::pair("folder", record::SourceKind::kFolder),
                                     std::pair("feed", record::SourceKind::kFeed),
                                     std::pair("upload", record::SourceKind::kUpload),
                                     std::pair("camera", record::SourceKind::kCamera)};

Result<record::SourceKind> ReadSourceKind(const Json& value) {
  WINNOW_ASSIGN_OR_RETURN(const std::string name, ReadText(value, "source.kind"));
  for (const auto& [known, kind] : kSourceKinds) {
    if (name == known) return kind;
  }
  return InputError("\"source.kind\" must be folder, feed, upload or camera");
}

Result<Origin> ReadOrigin(const Json& value) {
  WINNOW_RETURN_IF_ERROR(CheckKeys(value, "source", {"id", "kind"}));
  const Json* id = Member(value, "id");
  if (id == nullptr) return InputError("source has no \"id\"");
  WINNOW_ASSIGN_OR_RETURN(const std::string name, ReadText(*id, "source.id"));
  if (name.empty()) return InputError("\"source.id\" must not be empty");
  Origin origin;
  origin.id = SourceId(name);
  if (const Json* kind = Member(value, "kind")) {
    WINNOW_ASSIGN_OR_RETURN(origin.kind, ReadSourceKind(*kind));
  }
  return origin;
}

Result<record::Annotation> ReadObject(const Json& value) {
  WINNOW_RETURN_IF_ERROR(CheckKeys(
      value, "an object", {"label", "bbox", "polygons", "keypoints", "mask", "attributes"}));
  record::Annotation annotation;
  const Json* label = Member(value, "label");
  if (label == nullptr) return InputError("an object has no \"label\"");
  WINNOW_ASSIGN_OR_RETURN(annotation.label, ReadText(*label, "label"));
  if (const Json* bbox = Member(value, "bbox")) {
    WINNOW_ASSIGN_OR_RETURN(annotation.box, ReadBox(*bbox, "bbox"));
  }
  if (const Json* polygons = Member(value, "polygons")) {
    WINNOW_ASSIGN_OR_RETURN(annotation.polygons, ReadPolygons(*polygons, "polygons"));
  }
  if (const Json* keypoints = Member(value, "keypoints")) {
    WINNOW_ASSIGN_OR_RETURN(annotation.keypoints, ReadKeypoints(*keypoints, "keypoints"));
  }
  if (const Json* mask = Member(value, "mask")) {
    WINNOW_ASSIGN_OR_RETURN(annotation.mask, ReadMask(*mask, "mask"));
  }
  if (const Json* attributes = Member(value, "attributes")) {
    WINNOW_ASSIGN_OR_RETURN(annotation.attributes, ReadTextMap(*attributes, "attributes"));
  }
  return annotation;
}

// "boxes", "polygons", "keypoints" and "masks" hold the same kind of objects; each name states
// which geometry its objects must have.
struct Section {
  const char* name;
  const char* required;
};
constexpr std::array kSections = {Section{"boxes", "bbox"}, Section{"polygons", "polygons"},
                                  Section{"keypoints", "keypoints"}, Section{"masks", "mask"}};

Status ReadSection(const Json& document, const Section& section,
                   std::vector<record::Annotation>& annotations) {
  const Json* list = Member(document, section.name);
  if (list == nullptr) return {};
  const std::string name = section.name;
  if (!list->is_array()) return InputError("\"" + name + "\" must be a list of objects");
  for (const Json& element : *list) {
    if (!element.is_object() || Member(element, section.required) == nullptr) {
      return InputError("each of \"" + name + "\" must be an object with \"" + section.required +
                        "\"");
    }
    WINNOW_ASSIGN_OR_RETURN(auto annotation, ReadObject(element));
    annotations.push_back(std::move(annotation));
  }
  return {};
}

Status ReadAnnotations(const Json& document, std::vector<record::Annotation>& annotations) {
  if (const Json* tags = Member(document, "tags")) {
    WINNOW_ASSIGN_OR_RETURN(const auto labels, ReadTexts(*tags, "tags"));
    for (const std::string& label : labels) annotations.emplace_back().label = label;
  }
  for (const Section& section : kSections) {
    WINNOW_RETURN_IF_ERROR(ReadSection(document, section, annotations));
  }
  return {};
}

}  // namespace

Result<Labels> ParseJsonSidecar(std::string_view text) {
  WINNOW_ASSIGN_OR_RETURN(const Json document, ParseJson(text));
  WINNOW_RETURN_IF_ERROR(CheckKeys(document, "the label file",
                                   {"attributes", "captured_at", "site", "source", "tags", "boxes",
                                    "polygons", "keypoints", "masks", "consent"}));
  Labels labels;
  if (const Json* attributes = Member(document, "attributes")) {
    WINNOW_ASSIGN_OR_RETURN(labels.attributes, ReadTextMap(*attributes, "attributes"));
  }
  if (const Json* captured_at = Member(document, "captured_at")) {
    WINNOW_ASSIGN_OR_RETURN(labels.captured_at, ReadTime(*captured_at, "captured_at"));
  }
  if (const Json* site = Member(document, "site")) {
    WINNOW_ASSIGN_OR_RETURN(labels.site, ReadText(*site, "site"));
  }
  if (const Json* source = Member(document, "source")) {
    WINNOW_ASSIGN_OR_RETURN(labels.origin, ReadOrigin(*source));
  }
  if (const Json* consent = Member(document, "consent")) {
    WINNOW_ASSIGN_OR_RETURN(labels.consent, ReadConsent(*consent));
  }
  WINNOW_RETURN_IF_ERROR(ReadAnnotations(document, labels.annotations));
  return labels;
}

}  // namespace winnow::ingest
