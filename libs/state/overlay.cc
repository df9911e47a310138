#include "libs/state/overlay.h"

#include <map>

namespace winnow::state {

Overlay::Overlay(const StateStore& store, std::string family)
    : store_(store), family_(std::move(family)) {}

Result<std::optional<std::string>> Overlay::Get(std::string_view key) const {
  {
    const MutexLock lock(mutex_);
    if (const auto entry = pending_.find(key); entry != pending_.end()) return entry->second.value;
  }
  return store_.Get(family_, key);
}

Status Overlay::Scan(
    std::string_view prefix,
    const std::function<bool(std::string_view key, std::string_view value)>& visit) const {
  // Copied so that the visitor runs without the lock; pending writes are bounded by the commit
  // batch.
  std::map<std::string, std::optional<std::string>, std::less<>> pending;
  {
    const MutexLock lock(mutex_);
    for (const auto& [key, entry] : pending_) {
      if (key.starts_with(prefix)) pending.emplace(key, entry.value);
    }
  }
  auto next = pending.begin();
  bool wanted = true;
  // Visits pending entries below `key`; an entry equal to `key` is left at `next`.
  const auto visit_pending_below = [&](std::optional<std::string_view> key) {
    for (; wanted && next != pending.end() && (!key || next->first < *key); ++next) {
      if (next->second) wanted = visit(next->first, *next->second);
    }
  };
  WINNOW_RETURN_IF_ERROR(
      store_.Scan(family_, prefix, [&](std::string_view key, std::string_view value) {
        visit_pending_below(key);
        if (!wanted) return false;
        if (next != pending.end() && next->first == key) return true;  // overridden, comes later
        wanted = visit(key, value);
        return wanted;
      }));
  visit_pending_below(std::nullopt);
  return {};
}

void Overlay::Apply(std::uint64_t sequence, const std::vector<stream::StateWrite>& writes) {
  const MutexLock lock(mutex_);
  for (const stream::StateWrite& write : writes) {
    pending_.insert_or_assign(write.key, Pending{sequence, write.value});
  }
}

void Overlay::Committed(std::uint64_t end_sequence) {
  const MutexLock lock(mutex_);
  std::erase_if(pending_,
                [&](const auto& entry) { return entry.second.sequence < end_sequence; });
}

}  // namespace winnow::state
