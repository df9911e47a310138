// The balancer: admits so that the dataset meets its target shares; holds the rest in a reserve
// ranked by quality.
#pragma once

#include <memory>

#include "libs/spec/spec.h"
#include "libs/stream/processor.h"

namespace winnow::balancer {

// Scope kCollection. State: counts per stratum and the reserve (records as given: with payload bytes,
// or with the reference where they came with one). Decisions are the same either way.
std::unique_ptr<stream::Processor> NewBalancer(const spec::CollectionSpec& spec);

}  // namespace winnow::balancer
