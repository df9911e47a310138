// Small stages to run on a real broker: what they do can be told from their input alone.
#pragma once

#include <string>
#include <string_view>

#include "libs/kafka/stage_runner.h"
#include "libs/stream/processor.h"

namespace winnow::integration {

inline constexpr std::string_view kCollection = "garden";

// images.raw -> images.valid, without state, one order per source: every record passes, unless its
// attribute "do" says otherwise: "reject", "review", "refuse" (ErrorCode::kInput), "break"
// (ErrorCode::kBug), "grow" (bytes become ten times as many).
inline constexpr std::string_view kPasser = "passer";

// images.safe -> images.unique, with state: numbers the records of its partition (attribute
// "number"); the same record again is rejected, unless it was forgotten.
inline constexpr std::string_view kCounter = "counter";

// images.safe -> images.unique, with state: defers records with attribute "do" = "defer" and admits
// all it has deferred when one comes with "do" = "admit", rejects them on "drop".
inline constexpr std::string_view kKeeper = "keeper";

stream::ProcessorFactory FactoryOf(std::string_view stage);

// Short timeouts; no blob stores. `directory` is for state.
kafka::StageOptions OptionsOf(std::string_view stage, const std::string& brokers,
                              const std::string& prefix, const std::string& directory);

}  // namespace winnow::integration
