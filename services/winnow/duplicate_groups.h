// Who was dropped in whose favour, from one pass over the ledger.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "libs/dataset/contact_sheet.h"
#include "libs/record/image_record.h"

namespace winnow::cli {

// Bits to the nearest of the images whose place a record took, which is the first of
// Duplicate::replaces, as the deduper's verdict on the record says.
std::optional<int> DistanceToReplaced(const record::ImageRecord& better);

// An image that is not in the dataset because another one is.
struct GoneImage {
  RecordId id;
  RecordId against;  // the image it duplicates, or the better copy that took its place
  dataset::DropKind kind = dataset::DropKind::kLookAlike;
  // Between the two. Of several images that one copy replaced, known of the nearest alone.
  std::optional<int> distance;
  record::Turn turn = record::Turn::kNone;
};

struct DuplicateGroup {
  RecordId kept;
  std::vector<GoneImage> gone;  // those to show, in ledger order
  std::uint64_t not_shown = 0;
};

struct GroupLimits {
  std::size_t groups = 100;
  std::size_t of_a_group = 24;
};

// Memory: about 200 bytes for each image that was dropped or replaced.
class DuplicateGroups {
 public:
  // Every record of the ledger, in its order.
  void Add(const record::ImageRecord& record);

  // By name of the source.
  std::vector<dataset::SourceFigures> Sources() const;

  struct Chosen {
    std::vector<DuplicateGroup> groups;  // the largest, in the order in which they began
    std::uint64_t not_shown = 0;
  };
  // An image that was dropped for one which later was dropped or replaced itself is in the group of
  // the one that stayed. Of a large group images are taken at even steps.
  Chosen Choose(const GroupLimits& limits) const;

 private:
  // What an image gave way to.
  struct Successor {
    RecordId id;
    std::optional<int> distance;
  };

  void Count(const record::ImageRecord& record);
  RecordId KeeperOf(const GoneImage& gone) const;
  GoneImage Complete(GoneImage gone) const;

  std::map<std::string, dataset::SourceFigures> sources_;
  std::vector<GoneImage> gone_;
  std::map<RecordId, Successor> instead_of_;  // by the image that is gone
};

}  // namespace winnow::cli
