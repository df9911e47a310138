#include "libs/testing/stage_driver.h"

#include <utility>

namespace winnow::testing {

Result<std::optional<std::string>> MapState::Get(std::string_view key) const {
  const auto found = entries.find(key);
  if (found == entries.end()) return std::optional<std::string>();
  return std::optional<std::string>(found->second);
}

Status MapState::Scan(
    std::string_view prefix,
    const std::function<bool(std::string_view key, std::string_view value)>& visit) const {
  for (auto entry = entries.lower_bound(prefix);
       entry != entries.end() && entry->first.compare(0, prefix.size(), prefix) == 0; ++entry) {
    if (!visit(entry->first, entry->second)) break;
  }
  return {};
}

void MapState::Apply(const std::vector<stream::StateWrite>& writes) {
  for (const stream::StateWrite& write : writes) {
    if (write.value) {
      entries.insert_or_assign(write.key, *write.value);
    } else {
      entries.erase(write.key);
    }
  }
}

StageDriver::StageDriver(Factory factory, Timestamp now)
    : clock(now), factory_(std::move(factory)) {
  Reopen();
}

Result<stream::Outcome> StageDriver::Process(record::ImageRecord record) {
  WINNOW_ASSIGN_OR_RETURN(stream::Outcome outcome,
                          processor_->Process(std::move(record), state, clock.Now()));
  state.Apply(outcome.writes);
  return outcome;
}

Result<std::vector<stream::StateWrite>> StageDriver::Forget(const RecordId& id) {
  auto writes = processor_->Forget(id, state);
  if (writes) state.Apply(*writes);
  return writes;
}

void StageDriver::Reopen() {
  processor_ = factory_();
  opened = processor_->Open(state);
}

}  // namespace winnow::testing
