// The transform ladder: copies of photographs as they occur on the way to a dataset, each transform
// in growing strength.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "libs/base/result.h"
#include "libs/image/frame.h"

namespace winnow::eval {

struct Rung {
  std::string_view transform;  // "crop"
  std::string_view strength;   // "5 %"
};

// In the order of the ladder. What each does: README.md.
const std::vector<Rung>& Rungs();

struct Copy {
  std::string bytes;      // a complete file
  std::string extension;  // ".jpg"
};

// The copy that `rung`, by its place in Rungs(), makes of a picture. Deterministic; thread-safe.
// Error kInput for an empty picture.
Result<Copy> MakeCopy(const image::Pixels& upright, std::size_t rung);

// A photograph to make copies of.
struct Original {
  std::string set;   // name of its set
  std::string file;  // below the folder of the set
};

struct LadderOptions {
  std::string data;               // folder of the sets
  std::vector<std::string> sets;  // to take photographs from
  std::size_t originals = 0;      // wanted; fewer if the sets have no more
  std::string folder;             // to write to
  std::size_t threads = 1;
};

// A choice that is the same every time and never looks at how pictures compare: the sets take turns,
// within a set its directories do, within a directory files go by the digest of their names. Taken
// are pictures that decode, have 200 pixels on the shorter side and a fingerprint that may be
// compared (quality 50), at most one of a labelled group.
Result<std::vector<Original>> ChooseOriginals(const LadderOptions& options);

// Writes the originals, as they are, and their copies into options.folder as a set with a
// manifest.json. Error kConfig if the folder holds anything but an earlier ladder, which is
// replaced, or if no photograph was found; kUnavailable if it cannot be written.
Status WriteLadder(const LadderOptions& options);

}  // namespace winnow::eval
