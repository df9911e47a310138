// The labels of COCO files, found by image. Private to the room.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "libs/base/result.h"
#include "libs/ingest/file_bytes.h"
#include "libs/ingest/labels.h"

namespace winnow::ingest {

// Holds where each annotation stands, not the annotation: 16 bytes each, and about 200 bytes plus
// the length of its path for each listed image. The files stay open and must not change while the
// index is in use.
//
// An image of the folder belongs to a listed one whose `file_name`, taken from the COCO file's
// directory or from the root, is its path; else to the one with the same basename, if only one is
// listed and only one is in the folder.
class CocoIndex {
 public:
  // Adds a file; JSON that is not COCO is passed over. Error kConfig that names the file and the
  // byte for one that is broken.
  Status Add(const RootDirectory& root, const std::string& path);
  // Call once, after the last Add. Annotations of images that no file lists are counted.
  void Finish();

  // True if some listed image is not where its file_name says: then every image of the folder must
  // be announced with NoteImage before Load.
  bool needs_names() const { return !by_name_.empty(); }
  void NoteImage(std::string_view path);

  // The labels of an image; nullopt if no file lists it. Error kInput for annotations that cannot
  // be read. Thread-safe after Finish and the last NoteImage.
  Result<std::optional<Labels>> Load(std::string_view path, const ImageHeader& header) const;

  bool empty() const { return images_.empty(); }
  std::size_t files() const { return files_.size(); }
  std::uint64_t orphans() const { return orphans_; }

 private:
  struct Span {
    std::uint64_t offset = 0;
    std::uint32_t length = 0;
    std::uint32_t file = 0;
  };
  struct Image {
    std::uint32_t width = 0;
    std::uint32_t height = 0;
    std::vector<Span> spans;
  };
  struct File {
    std::string path;
    FileDescriptor fd;
    std::unordered_map<std::int64_t, std::string> categories;
  };
  struct Named {
    std::string file_name;
    std::size_t image = 0;
    bool ambiguous = false;
    std::uint32_t seen = 0;  // images of the folder with this basename
  };

  std::size_t Place(const RootDirectory& root, const std::string& directory,
                    const std::string& file_name);
  std::size_t PlaceByName(const std::string& file_name);
  const Image* Find(std::string_view path) const;
  Status Append(const Span& span, Labels& labels, std::vector<std::int64_t>& ids) const;

  std::vector<File> files_;
  std::vector<Image> images_;
  std::unordered_map<std::string, std::size_t> by_path_;
  std::unordered_map<std::string, Named> by_name_;
  std::uint64_t orphans_ = 0;
};

}  // namespace winnow::ingest
