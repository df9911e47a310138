// A labelled set through the pipeline's own stages, up to the deduper's decision.
#pragma once

#include <cstddef>
#include <vector>

#include "libs/base/result.h"
#include "libs/eval/labelled_set.h"
#include "libs/eval/matching.h"
#include "libs/spec/spec.h"
#include "libs/stream/source.h"

namespace winnow::cli {

// The files of a set in its order. Lists the pictures by their place, "000012"; loads them as raw
// records whose source path is that name.
class SetSource : public stream::Source {
 public:
  explicit SetSource(const eval::LabelledSet& set) : set_(set) {}

  Result<std::optional<stream::SourceEntry>> Next() override;
  Result<record::ImageRecord> Load(const stream::SourceEntry& entry) const override;

 private:
  const eval::LabelledSet& set_;
  std::size_t next_ = 0;
};

struct StreamedSet {
  eval::Fingerprints fingerprints;
  std::vector<eval::Fate> fates;
  std::vector<record::ImageRecord> records;  // by picture, as the run left them
};

// Validator (which here refuses only what cannot be read), blurrer without faces, deduper with
// `policy` over the whole set for ever, first come first kept.
Result<StreamedSet> StreamSet(const eval::LabelledSet& set, const spec::DedupPolicy& policy,
                              std::size_t threads);

}  // namespace winnow::cli
