#include "services/winnow/ingest_state.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "libs/state/rocksdb_store.h"

namespace winnow::cli {
namespace {

constexpr const char* kTargetFamily = "target";
constexpr const char* kSentFamily = "sent";
// A synced write takes milliseconds: one for many entries.
constexpr std::size_t kSaveAfter = 512;

}  // namespace

Result<std::unique_ptr<IngestState>> IngestState::Open(const std::string& directory,
                                                       const IngestTarget& target) {
  std::unique_ptr<state::StateStore> store;
  if (directory.empty()) {
    store = state::NewMemoryStore();
  } else {
    WINNOW_ASSIGN_OR_RETURN(store,
                            state::OpenRocksDb({.directory = directory,
                                                .families = {kTargetFamily, kSentFamily}}));
  }
  auto opened = std::unique_ptr<IngestState>(new IngestState(std::move(store)));
  WINNOW_RETURN_IF_ERROR(opened->Claim(directory, target));
  return opened;
}

Status IngestState::Claim(const std::string& directory, const IngestTarget& target) {
  const std::vector<std::pair<std::string, std::string>> fields = {
      {"cluster", target.cluster},
      {"topic", target.topic},
      {"collection", target.collection},
      {"source", target.source}};
  for (const auto& [name, value] : fields) {
    WINNOW_ASSIGN_OR_RETURN(const auto found, store_->Get(kTargetFamily, name));
    if (found && *found != value) {
      return ConfigError(fmt::format(
          "the state in {} is of {} '{}', this is {} '{}': give --state another folder", directory,
          name, *found, name, value));
    }
    if (!found) unsaved_.push_back({kTargetFamily, {name, value}});
  }
  return Save();
}

Result<bool> IngestState::IsSent(const stream::SourceEntry& entry) const {
  WINNOW_ASSIGN_OR_RETURN(const auto version, store_->Get(kSentFamily, entry.name));
  return version == entry.version;
}

Status IngestState::NoteSent(const stream::SourceEntry& entry) {
  unsaved_.push_back({kSentFamily, {entry.name, entry.version}});
  return unsaved_.size() >= kSaveAfter ? Save() : Status();
}

Status IngestState::Save() {
  if (unsaved_.empty()) return {};
  WINNOW_RETURN_IF_ERROR(store_->Commit(unsaved_));
  unsaved_.clear();
  return {};
}

}  // namespace winnow::cli
