// The validator: decodes once under limits, measures, checks labels and consent, applies the
// collection's admission rules.
#pragma once

#include <memory>

#include "libs/spec/spec.h"
#include "libs/stream/processor.h"

namespace winnow::validator {

// Scope kNone. Leaves an image::Frame attached to records it forwards. A refused record keeps its
// measurements and loses payload and attachment.
std::unique_ptr<stream::Processor> NewValidator(const spec::CollectionSpec& spec);

}  // namespace winnow::validator
