// A folder of images, with whatever labels lie beside them.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "libs/base/ids.h"
#include "libs/base/result.h"
#include "libs/stream/source.h"

namespace winnow::ingest {

enum class FolderLabels {
  kFiles,            // label files only
  kParentDirectory,  // also tag each image with the name of the directory it lies in
};

struct FolderOptions {
  std::string root{};
  SourceId id{"folder"};  // part of every record id
  CollectionId collection{};
  std::uint64_t max_bytes = 64ull << 20;  // larger files are not read; at most 2^30 counts
  FolderLabels labels = FolderLabels::kFiles;
  // Class names by YOLO index where the folder has labels/ but no class list of its own.
  std::vector<std::string> classes{};
};

// What lies in the folder besides images. Names that start with a dot are not counted.
struct FolderSummary {
  std::uint64_t images = 0;
  std::uint64_t text_files = 0;     // .txt .json .xml .csv ...: labels are read with their image
  std::uint64_t ignored_files = 0;  // no image by name or content, pipes, devices
  std::uint64_t linked_directories = 0;  // symbolic links to directories are not followed
  std::uint64_t coco_files = 0;
  std::uint64_t orphan_annotations = 0;  // of COCO images that the same file does not list
};

// Images are files with an image extension, readable or not, and files with no or an unknown
// extension that start like an image; the rest is counted and passed over. Entries come in the
// bytewise order of their relative paths, whatever the file system. A file that is empty, too
// large, unreadable, or linked to from outside is an entry like any other, with a source_fault.
//
// The source of an image is `id`, of kind folder, unless its own label file names another; the
// frames of a camera have the camera as their order_key.
//
// `version` is size and modification time of the image file alone. `captured_at` is the label
// file's, else EXIF DateTimeOriginal; never the file's own time, which copying changes.
// `ingested_at` is left for the runner to set. Formats of labels: README.md.
//
// The folder must not change while it is read. Memory: the names of the directories on the current
// path, and 16 bytes per annotation of COCO files (coco_index.h).
class FolderSource : public stream::Source {
 public:
  // Of the walk that OpenFolder made.
  virtual const FolderSummary& summary() const = 0;
};

// Walks the folder once to count it. Error kConfig, one line that says the fix, if the root or a
// directory in it cannot be listed, or a file of labels for many images (COCO, class list) is
// broken; the label file of a single image is that image's source_fault.
Result<std::unique_ptr<FolderSource>> OpenFolder(FolderOptions options);

}  // namespace winnow::ingest
