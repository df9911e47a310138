// Runs one stage as a runner does, on state in a map: applies each outcome's writes, and can throw
// the processor away and open a new one on the same state.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/base/clock.h"
#include "libs/base/result.h"
#include "libs/stream/processor.h"

namespace winnow::testing {

// A stage's state as a plain map, to look into and compare.
class MapState : public stream::StateView {
 public:
  Result<std::optional<std::string>> Get(std::string_view key) const override;
  Status Scan(std::string_view prefix,
              const std::function<bool(std::string_view key, std::string_view value)>& visit)
      const override;

  void Apply(const std::vector<stream::StateWrite>& writes);

  std::map<std::string, std::string, std::less<>> entries;
};

class StageDriver {
 public:
  using Factory = std::function<std::unique_ptr<stream::Processor>()>;

  // Opens a processor on empty state. An Error of Open is kept in `opened`.
  explicit StageDriver(Factory factory, Timestamp now = Timestamp(std::chrono::hours(480'000)));

  // Processes and, on success, applies the writes.
  Result<stream::Outcome> Process(record::ImageRecord record);
  // Forgets and applies the writes, which it returns.
  Result<std::vector<stream::StateWrite>> Forget(const RecordId& id);
  // As after a crash: a new processor on the same state.
  void Reopen();

  Status opened;
  MapState state;
  ManualClock clock;

 private:
  Factory factory_;
  std::unique_ptr<stream::Processor> processor_;
};

}  // namespace winnow::testing
