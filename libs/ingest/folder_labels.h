// Finds and reads the labels of each image of a folder. Private to the room.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/base/result.h"
#include "libs/ingest/coco_index.h"
#include "libs/ingest/file_bytes.h"
#include "libs/ingest/labels.h"
#include "libs/ingest/yolo_labels.h"

namespace winnow::ingest {

// True for a JSON file that may hold the COCO labels of many images, by its name and place.
bool MayBeCoco(const RootDirectory& root, const std::string& path);

class FolderLabelFiles {
 public:
  // `root` must outlive this. `classes`: see FolderOptions.
  FolderLabelFiles(const RootDirectory& root, std::vector<std::string> classes)
      : root_(&root), fallback_{std::move(classes), 0, 0} {}

  // Reads the class list at the root, if there is one. Error kConfig if it is broken.
  Status OpenClassList();
  CocoIndex& coco() { return coco_; }
  const CocoIndex& coco() const { return coco_; }

  // The labels of the image at `path`, in pixels of the stored picture; an image without labels
  // has empty ones. Annotations come from the first of: its own JSON file, its YOLO file, COCO.
  // Error kInput that names the file. Thread-safe.
  Result<Labels> Load(const std::string& path, const ImageHeader& header) const;

  // The source that the image's own JSON file says it is of; nullopt also for a file that cannot be
  // read, which Load tells. Thread-safe.
  std::optional<Origin> OriginOf(const std::string& path) const;

 private:
  Result<std::optional<std::string>> ReadIfThere(const std::string& path) const;
  Result<Labels> LoadJson(const std::string& path) const;
  Result<std::optional<Labels>> LoadYolo(const std::string& path, const ImageHeader& header) const;

  const RootDirectory* root_;
  std::optional<YoloClasses> listed_;  // from the folder
  YoloClasses fallback_;
  CocoIndex coco_;
};

}  // namespace winnow::ingest
