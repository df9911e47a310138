// What a label file says about one image, whatever its format. Private to the room.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "libs/base/clock.h"
#include "libs/base/ids.h"
#include "libs/ingest/image_header.h"
#include "libs/record/image_record.h"

namespace winnow::ingest {

// The source an image says it is of, where that is not the folder: a camera whose frames were
// copied here.
struct Origin {
  SourceId id;
  record::SourceKind kind = record::SourceKind::kFolder;
};

struct Labels {
  std::vector<record::Annotation> annotations;
  // Annotations were made on the picture as a viewer shows it (EXIF orientation applied), not on
  // the stored one.
  bool upright = true;
  std::map<std::string, std::string> attributes;
  std::optional<Timestamp> captured_at;
  std::string site;
  std::optional<Origin> origin;
  std::optional<record::Consent> consent;
};

// Width and height of the picture as a viewer shows it.
struct UprightSize {
  double width = 0;
  double height = 0;
};
UprightSize UprightSizeOf(const ImageHeader& header);

// Moves `annotation`, made on the upright picture, to the stored one. A mask that does not have the
// size of the picture stays as it is, for the validator to refuse.
void MoveToStored(const ImageHeader& header, record::Annotation& annotation);

}  // namespace winnow::ingest
