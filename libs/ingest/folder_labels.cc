#include "libs/ingest/folder_labels.h"

#include <algorithm>
#include <array>
#include <utility>

#include "libs/ingest/image_name.h"
#include "libs/ingest/json_sidecar.h"

namespace winnow::ingest {
namespace {

constexpr std::uint64_t kMaxLabelFileBytes = 16u << 20;

// True if an image lies beside the label file `stem`.json.
bool HasImage(const RootDirectory& root, const std::string& stem) {
  if (KindOfName(stem) == NameKind::kImage && root.Has(stem)) return true;
  constexpr std::array kCommon = {".jpg",  ".jpeg", ".png", ".JPG",  ".JPEG",
                                  ".webp", ".tif",  ".tiff", ".bmp", ".PNG"};
  return std::any_of(kCommon.begin(), kCommon.end(),
                     [&](const char* extension) { return root.Has(stem + extension); });
}

// "train/images/a/x.jpg" -> "train/labels/a/x.txt", as Ultralytics does; empty without "images".
std::string LabelsTreePath(const std::string& path) {
  const std::string stem = "/" + std::string(WithoutExtension(path));
  const std::size_t at = stem.rfind("/images/");
  if (at == std::string::npos) return {};
  return (stem.substr(0, at) + "/labels/" + stem.substr(at + 8) + ".txt").substr(1);
}

// Winnow's own label file of an image, by either name.
std::array<std::string, 2> JsonNames(const std::string& path) {
  return {path + ".json", std::string(WithoutExtension(path)) + ".json"};
}

bool Blank(const std::string& text) {
  return text.find_first_not_of(" \t\r\n") == std::string::npos;
}

Error Named(const std::string& path, const Error& error) {
  return InputError(path + ": " + error.message);
}

}  // namespace

bool MayBeCoco(const RootDirectory& root, const std::string& path) {
  const std::string_view name = Basename(path);
  if (!name.ends_with(".json")) return false;
  const std::string_view directory = Directory(path);
  const bool usual_place = directory.empty() || Basename(directory) == "annotations";
  const bool usual_name = name.ends_with(".coco.json") || name == "labels.json" ||
                          name == "annotations.json" || name.starts_with("instances_");
  return (usual_place || usual_name) && !HasImage(root, std::string(WithoutExtension(path)));
}

Result<std::optional<std::string>> FolderLabelFiles::ReadIfThere(const std::string& path) const {
  const auto file = root_->OpenInside(path);
  if (!file) {
    // Only what does not exist is no label; a label that may not be read is a fault.
    if (root_->IsAbsent(path)) return std::optional<std::string>();
    return InputError(file.error().message);
  }
  auto text = ReadAll(*file, kMaxLabelFileBytes);
  if (!text) return Named(path, text.error());
  return std::optional(*std::move(text));
}

Status FolderLabelFiles::OpenClassList() {
  for (const char* name : {"data.yaml", "data.yml", "dataset.yaml", "classes.txt", "obj.names"}) {
    const auto broken = [&](const Error& error) {
      return ConfigError("the class list " + root_->Absolute(name) + " is broken: " +
                         error.message + "; repair it, or move it out of the input");
    };
    const auto text = ReadIfThere(name);
    if (!text) return broken(text.error());
    if (!*text) continue;
    const bool yaml = std::string_view(name).find(".y") != std::string_view::npos;
    auto classes = yaml ? ParseDataYaml(**text) : Result<YoloClasses>(ParseClassList(**text));
    if (!classes) return broken(classes.error());
    if (classes->names.empty()) continue;
    listed_ = *std::move(classes);
    return {};
  }
  return {};
}

Result<Labels> FolderLabelFiles::LoadJson(const std::string& path) const {
  for (const std::string& name : JsonNames(path)) {
    WINNOW_ASSIGN_OR_RETURN(const auto text, ReadIfThere(name));
    if (!text) continue;
    auto labels = ParseJsonSidecar(*text);
    if (!labels) return Named(name, labels.error());
    return labels;
  }
  return Labels();
}

std::optional<Origin> FolderLabelFiles::OriginOf(const std::string& path) const {
  for (const std::string& name : JsonNames(path)) {
    const auto text = ReadIfThere(name);
    if (!text || !*text) continue;
    // Asked of every image before it is loaded: most label files need no second parsing. A key may
    // be written with escapes, too.
    const bool may_name_one = (*text)->find("\"source\"") != std::string::npos ||
                              (*text)->find('\\') != std::string::npos;
    if (!may_name_one) return std::nullopt;
    auto labels = ParseJsonSidecar(**text);
    return labels ? std::move(labels->origin) : std::nullopt;
  }
  return std::nullopt;
}

Result<std::optional<Labels>> FolderLabelFiles::LoadYolo(const std::string& path,
                                                         const ImageHeader& header) const {
  std::string name = LabelsTreePath(path);
  std::optional<std::string> text;
  if (!name.empty()) {
    WINNOW_ASSIGN_OR_RETURN(text, ReadIfThere(name));
  }
  // Beside an image a .txt is often a caption; it is labels where the folder lists classes.
  if (!text && listed_) {
    name = std::string(WithoutExtension(path)) + ".txt";
    WINNOW_ASSIGN_OR_RETURN(text, ReadIfThere(name));
  }
  if (!text) return std::optional<Labels>();
  Labels labels;
  if (Blank(*text)) return std::optional(std::move(labels));
  const YoloClasses& classes = listed_ ? *listed_ : fallback_;
  if (classes.names.empty()) {
    return InputError(name + ": no class names; put classes.txt or data.yaml at the root");
  }
  if (!header.has_size()) return InputError(name + ": the picture's header gives no size");
  auto annotations = ParseYoloLabels(*text, classes, UprightSizeOf(header));
  if (!annotations) return Named(name, annotations.error());
  labels.annotations = *std::move(annotations);
  return std::optional(std::move(labels));
}

Result<Labels> FolderLabelFiles::Load(const std::string& path, const ImageHeader& header) const {
  WINNOW_ASSIGN_OR_RETURN(Labels labels, LoadJson(path));
  if (labels.annotations.empty()) {
    WINNOW_ASSIGN_OR_RETURN(auto other, LoadYolo(path, header));
    if (!other) {
      WINNOW_ASSIGN_OR_RETURN(other, coco_.Load(path, header));
    }
    if (other) {
      labels.annotations = std::move(other->annotations);
      labels.upright = other->upright;
    }
  }
  if (labels.upright) {
    for (record::Annotation& annotation : labels.annotations) MoveToStored(header, annotation);
  }
  return labels;
}

}  // namespace winnow::ingest
