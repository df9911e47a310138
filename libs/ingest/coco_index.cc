#include "libs/ingest/coco_index.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "libs/ingest/coco_scan.h"
#include "libs/ingest/geometry_json.h"
#include "libs/ingest/image_name.h"
#include "libs/ingest/json_text.h"

namespace winnow::ingest {
namespace {

constexpr std::int64_t kNoId = -1;

// `file_name` seen from `directory`, without "." and ".."; empty if it leads out of the root.
std::string Inside(const std::string& directory, const std::string& file_name) {
  const std::filesystem::path path(file_name);
  if (path.is_absolute()) return {};
  std::string normal = (std::filesystem::path(directory) / path).lexically_normal().string();
  return normal == ".." || normal.starts_with("../") ? std::string() : normal;
}

// Exporters on Windows write "images\1.jpg".
std::string WithSlashes(std::string file_name) {
  if (file_name.find('/') == std::string::npos) {
    std::replace(file_name.begin(), file_name.end(), '\\', '/');
  }
  return file_name;
}

Status ReadRegions(const Json& object, record::Annotation& annotation) {
  if (const Json* bbox = Member(object, "bbox"); bbox != nullptr && !bbox->empty()) {
    WINNOW_ASSIGN_OR_RETURN(annotation.box, ReadBox(*bbox, "bbox"));
  }
  const Json* segmentation = Member(object, "segmentation");
  if (segmentation != nullptr && segmentation->is_object()) {
    WINNOW_ASSIGN_OR_RETURN(annotation.mask, ReadMask(*segmentation, "segmentation"));
  } else if (segmentation != nullptr && !segmentation->empty()) {
    WINNOW_ASSIGN_OR_RETURN(annotation.polygons, ReadPolygons(*segmentation, "segmentation"));
  }
  if (const Json* keypoints = Member(object, "keypoints")) {
    WINNOW_ASSIGN_OR_RETURN(annotation.keypoints, ReadKeypoints(*keypoints, "keypoints"));
  }
  return {};
}

Status ReadAttributes(const Json& object, record::Annotation& annotation) {
  if (const Json* attributes = Member(object, "attributes")) {
    WINNOW_ASSIGN_OR_RETURN(annotation.attributes, ReadTextMap(*attributes, "attributes"));
  }
  const Json* crowd = Member(object, "iscrowd");
  if (crowd != nullptr && *crowd != 0 && *crowd != false) annotation.attributes["iscrowd"] = "1";
  return {};
}

// Instance and keypoint files list the same objects under the same ids: one object, told twice.
bool SameObject(const record::Annotation& a, const record::Annotation& b) {
  return a.label == b.label && a.box == b.box;
}

void Complete(record::Annotation& known, record::Annotation&& other) {
  if (!known.polygons) known.polygons = std::move(other.polygons);
  if (!known.mask) known.mask = std::move(other.mask);
  if (known.keypoints.empty()) known.keypoints = std::move(other.keypoints);
  known.attributes.merge(other.attributes);
}

}  // namespace

Status CocoIndex::Add(const RootDirectory& root, const std::string& path) {
  const auto broken = [&](const std::string& cause) {
    return ConfigError("the label file " + root.Absolute(path) + " is broken: " + cause +
                       "; repair it, or move it out of the input");
  };
  auto opened = root.OpenInside(path);
  if (!opened) return broken(opened.error().message);

  File file{path, std::move(opened->fd), {}};
  std::unordered_map<std::int64_t, CocoImage> listed;
  std::vector<CocoAnnotationSpan> spans;
  CocoVisitor visitor;
  visitor.image = [&](CocoImage image) { listed[image.id] = std::move(image); };
  visitor.category = [&](CocoCategory c) { file.categories[c.id] = std::move(c.name); };
  visitor.annotation = [&](CocoAnnotationSpan span) { spans.push_back(span); };
  const auto is_coco = ScanCoco(file.fd.get(), visitor);
  if (!is_coco) return broken(is_coco.error().message);
  if (!*is_coco) return {};

  const auto number = static_cast<std::uint32_t>(files_.size());
  std::unordered_map<std::int64_t, std::size_t> places;
  for (auto& [id, image] : listed) {
    const std::size_t place = Place(root, std::string(Directory(path)), image.file_name);
    places[id] = place;
    if (images_[place].width == 0) images_[place].width = image.width;
    if (images_[place].height == 0) images_[place].height = image.height;
  }
  for (const CocoAnnotationSpan& span : spans) {
    const auto place = places.find(span.image_id);
    if (place == places.end()) {
      ++orphans_;
    } else {
      images_[place->second].spans.push_back({span.offset, span.length, number});
    }
  }
  files_.push_back(std::move(file));
  return {};
}

std::size_t CocoIndex::Place(const RootDirectory& root, const std::string& directory,
                             const std::string& file_name) {
  const std::string name = WithSlashes(file_name);
  for (const std::string& path : {Inside(directory, name), Inside("", name)}) {
    if (path.empty()) continue;
    const auto known = by_path_.find(path);
    if (known != by_path_.end()) return known->second;
    if (!root.Has(path)) continue;
    by_path_.emplace(path, images_.size());
    images_.emplace_back();
    return images_.size() - 1;
  }
  return PlaceByName(name);
}

std::size_t CocoIndex::PlaceByName(const std::string& file_name) {
  const auto [named, added] = by_name_.try_emplace(std::string(Basename(file_name)));
  if (!added && named->second.file_name == file_name) return named->second.image;
  images_.emplace_back();
  if (added) {
    named->second = {file_name, images_.size() - 1, false, 0};
  } else {
    named->second.ambiguous = true;
  }
  return images_.size() - 1;
}

void CocoIndex::Finish() {
  for (Image& image : images_) image.spans.shrink_to_fit();
}

void CocoIndex::NoteImage(std::string_view path) {
  const auto named = by_name_.find(std::string(Basename(path)));
  if (named != by_name_.end()) ++named->second.seen;
}

const CocoIndex::Image* CocoIndex::Find(std::string_view path) const {
  const auto exact = by_path_.find(std::string(path));
  if (exact != by_path_.end()) return &images_[exact->second];
  const auto named = by_name_.find(std::string(Basename(path)));
  if (named == by_name_.end() || named->second.ambiguous || named->second.seen != 1) return nullptr;
  return &images_[named->second.image];
}

Status CocoIndex::Append(const Span& span, Labels& labels, std::vector<std::int64_t>& ids) const {
  const File& file = files_[span.file];
  WINNOW_ASSIGN_OR_RETURN(const std::string text,
                          ReadAt(file.fd.get(), span.offset, span.length));
  WINNOW_ASSIGN_OR_RETURN(const Json object, ParseJson(text));
  const Json* category = object.is_object() ? Member(object, "category_id") : nullptr;
  const auto name = category != nullptr && category->is_number_integer()
                        ? file.categories.find(category->get<std::int64_t>())
                        : file.categories.end();
  if (name == file.categories.end()) return InputError("\"category_id\" is not a listed category");
  record::Annotation annotation;
  annotation.label = name->second;
  WINNOW_RETURN_IF_ERROR(ReadRegions(object, annotation));
  WINNOW_RETURN_IF_ERROR(ReadAttributes(object, annotation));

  const Json* id = Member(object, "id");
  const bool has_id = id != nullptr && id->is_number_integer();
  const std::int64_t key = has_id ? id->get<std::int64_t>() : kNoId;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (!has_id || ids[i] != key || !SameObject(labels.annotations[i], annotation)) continue;
    Complete(labels.annotations[i], std::move(annotation));
    return {};
  }
  labels.annotations.push_back(std::move(annotation));
  ids.push_back(key);
  return {};
}

Result<std::optional<Labels>> CocoIndex::Load(std::string_view path,
                                              const ImageHeader& header) const {
  const Image* image = Find(path);
  if (image == nullptr) return std::optional<Labels>();
  Labels labels;
  // A file that lists the size of the stored picture, not of the upright one, labels the former.
  labels.upright = header.orientation < 5 || header.width == header.height ||
                   image->width != header.width || image->height != header.height;
  std::vector<std::int64_t> ids;
  for (const Span& span : image->spans) {
    if (Status appended = Append(span, labels, ids); !appended) {
      return InputError(files_[span.file].path + " at byte " + std::to_string(span.offset) + ": " +
                        appended.error().message);
    }
  }
  return labels;
}

}  // namespace winnow::ingest
