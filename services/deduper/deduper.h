// The deduper: drops exact copies and near-duplicates of anything seen before, or lets a better
// copy take the place of an earlier one.
#pragma once

#include <memory>

#include "libs/spec/spec.h"
#include "libs/stream/processor.h"
#include "services/deduper/hamming_index.h"

namespace winnow::deduper {

// Scope kCollection. State: one entry per remembered image, naming the record that wrote it, so a
// record offered again never meets itself. Its index of fingerprints is in memory, rebuilt from the
// state by Open.
std::unique_ptr<stream::Processor> NewDeduper(const spec::CollectionSpec& spec);

// With the room the index may take; the decisions are the same.
std::unique_ptr<stream::Processor> NewDeduperWith(const spec::CollectionSpec& spec,
                                                  const HammingIndex::Options& index);

}  // namespace winnow::deduper
