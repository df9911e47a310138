// A page that shows which images were dropped as duplicates, beside the image each of them repeats.
// For people; one file that needs nothing else and no network.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/dataset/report.h"

namespace winnow::dataset {

// Why an image is not in the dataset beside the one that is.
enum class DropKind {
  kSameBytes,
  kLookAlike,
  kSuperseded,  // it was, until a better copy took its place
};

struct DroppedImage {
  Thumbnail picture;  // only ever redacted pixels, as in the report
  DropKind kind = DropKind::kLookAlike;
  std::optional<int> distance;  // Hamming bits of 256, where it is known
  std::string turned;   // how it must be turned to look alike, "mirrored"; empty: upright
  std::string against;  // name of the image it was compared with, if that is not the one kept
};

// One kept image and all that was dropped in its favour.
struct SheetGroup {
  Thumbnail kept;
  std::vector<DroppedImage> dropped;
  std::uint64_t not_shown = 0;  // further dropped ones
};

// What became of the images of one source.
struct SourceFigures {
  std::string source;
  std::uint64_t received = 0;
  std::uint64_t kept = 0;  // in the dataset or waiting for room in it
  std::uint64_t same_bytes = 0;
  std::uint64_t look_alikes = 0;
  std::uint64_t superseded = 0;
  std::uint64_t otherwise = 0;  // refused for another reason, or waiting for a person
};

struct ContactSheet {
  std::string collection;
  std::string policy;  // the duplicate policy in a sentence
  std::vector<SourceFigures> sources;
  std::vector<SheetGroup> groups;
  std::uint64_t groups_not_shown = 0;
  std::string version;  // of Winnow
};

// A complete HTML document, UTF-8. Equal inputs give equal text. Everything taken from the input is
// escaped. Pure; thread-safe.
std::string RenderContactSheet(const ContactSheet& sheet);

}  // namespace winnow::dataset
