// Pictures of which somebody knows which are copies of which.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "libs/base/result.h"

namespace winnow::eval {

struct LabelledPicture {
  std::string file;       // below the folder of its set
  std::string group;      // pictures of one group are copies of one another
  std::string transform;  // what was done to it, "jpeg"; may be empty
  std::string strength;   // "quality 75"; may be empty
  bool original = false;  // what the others of its group were made of, or the first of them
};

enum class Relation { kUnknown, kCopies, kDifferent };

struct LabelledSet {
  std::string name;    // of its folder; of a part of it, "name (dev)"
  std::string title;   // what it holds, one line
  std::string folder;
  std::vector<LabelledPicture> pictures;
  // Where not all pairs were labelled, those that were, by index, the smaller first. Empty: the
  // groups say it of every pair.
  std::map<std::pair<std::size_t, std::size_t>, Relation> pairs;

  Relation Between(std::size_t a, std::size_t b) const;
};

// The set in `folder`, from its manifest.json (format: README.md). One LabelledSet for each split
// that its pictures are marked with, so that a blind part is never added to one that was looked at;
// none if it says nothing of copies. Error kConfig that names the file.
Result<std::vector<LabelledSet>> ReadLabelledSet(const std::string& folder);

// Names of the folders in `data` that have a manifest, sorted. Error kConfig if there is no such
// directory, or one in it cannot be looked into.
Result<std::vector<std::string>> ListSets(const std::string& data);

}  // namespace winnow::eval
