// The sink: assigns each admitted record its split and declares it stored. Writing is done by
// dataset::ShardOutput, which the runner drives in step with the state.
#pragma once

#include <memory>

#include "libs/spec/spec.h"
#include "libs/stream/processor.h"

namespace winnow::sink {

// Scope kCollection. Sets record.placement->split from a hash of the duplicate cluster (or the id),
// so look-alikes share a split and a replay gives the same one.
std::unique_ptr<stream::Processor> NewSink(const spec::CollectionSpec& spec);

}  // namespace winnow::sink
