#include <cstdint>
#include <map>

#include "libs/base/mutex.h"
#include "libs/state/state_store.h"

namespace winnow::state {
namespace {

using Entries = std::map<std::string, std::string, std::less<>>;

class MemoryStore : public StateStore {
 public:
  Result<std::optional<std::string>> Get(std::string_view family,
                                         std::string_view key) const override {
    const MutexLock lock(mutex_);
    const auto entries = families_.find(family);
    if (entries == families_.end()) return std::optional<std::string>();
    const auto entry = entries->second.find(key);
    if (entry == entries->second.end()) return std::optional<std::string>();
    return std::optional<std::string>(entry->second);
  }

  // Visits a snapshot, so that a visitor may call the store.
  Status Scan(std::string_view family, std::string_view prefix,
              const std::function<bool(std::string_view, std::string_view)>& visit)
      const override {
    for (const auto& [key, value] : Matching(family, prefix)) {
      if (!visit(key, value)) break;
    }
    return {};
  }

  Status Commit(const WriteBatch& batch) override {
    const MutexLock lock(mutex_);
    for (const FamilyWrite& entry : batch) {
      Entries& entries = families_[entry.family];
      Erase(entries, entry.write.key);
      if (!entry.write.value) continue;
      bytes_ += entry.write.key.size() + entry.write.value->size();
      entries.emplace(entry.write.key, *entry.write.value);
    }
    return {};
  }

  // Memory: of keys and values alone.
  stream::StateFigures Figures(const std::vector<std::string>& counted) const override {
    const MutexLock lock(mutex_);
    stream::StateFigures figures;
    figures.memory_bytes = bytes_;
    for (const std::string& family : counted) {
      const auto entries = families_.find(family);
      if (entries != families_.end()) figures.entries += entries->second.size();
    }
    return figures;
  }

 private:
  void Erase(Entries& entries, const std::string& key) WINNOW_REQUIRES(mutex_) {
    const auto entry = entries.find(key);
    if (entry == entries.end()) return;
    bytes_ -= entry->first.size() + entry->second.size();
    entries.erase(entry);
  }

  Entries Matching(std::string_view family, std::string_view prefix) const {
    const MutexLock lock(mutex_);
    Entries matching;
    const auto entries = families_.find(family);
    if (entries == families_.end()) return matching;
    for (auto entry = entries->second.lower_bound(prefix);
         entry != entries->second.end() && entry->first.starts_with(prefix); ++entry) {
      matching.emplace_hint(matching.end(), *entry);
    }
    return matching;
  }

  mutable Mutex mutex_;
  std::map<std::string, Entries, std::less<>> families_ WINNOW_GUARDED_BY(mutex_);
  std::uint64_t bytes_ WINNOW_GUARDED_BY(mutex_) = 0;
};

}  // namespace

std::unique_ptr<StateStore> NewMemoryStore() { return std::make_unique<MemoryStore>(); }

}  // namespace winnow::state
