// The deduper: drops exact copies and near-duplicates of anything seen before.
#pragma once

#include <memory>

#include "libs/spec/spec.h"
#include "libs/stream/processor.h"

namespace winnow::deduper {

// Scope kCollection. State: one entry per remembered image, naming the record that wrote it, so a
// record offered again never meets itself.
std::unique_ptr<stream::Processor> NewDeduper(const spec::CollectionSpec& spec);

}  // namespace winnow::deduper
