// Uncommitted writes over a store: what lets record N+1 see the state record N left, before either
// is on disk.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "libs/base/mutex.h"
#include "libs/base/result.h"
#include "libs/state/state_store.h"

namespace winnow::state {

// The state of one stage as its processor sees it. Thread-safe; lanes that work under different
// scope values touch different keys, so they never see each other's half-done work.
class Overlay : public stream::StateView {
 public:
  // `store` must outlive the overlay.
  Overlay(const StateStore& store, std::string family);

  Result<std::optional<std::string>> Get(std::string_view key) const override;
  Status Scan(std::string_view prefix,
              const std::function<bool(std::string_view key, std::string_view value)>& visit)
      const override;

  // Makes the writes of record `sequence` visible to later reads.
  void Apply(std::uint64_t sequence, const std::vector<stream::StateWrite>& writes);

  // Forgets writes of records below `end_sequence`: the store has them now.
  void Committed(std::uint64_t end_sequence);

 private:
  // Finds texts without making strings of them.
  struct Hash : std::hash<std::string_view> {
    using is_transparent = void;
  };
  struct Pending {
    std::uint64_t sequence;
    std::optional<std::string> value;
  };

  const StateStore& store_;
  const std::string family_;
  mutable Mutex mutex_;
  // Looked up by every record, scanned by few: hashed, not in order.
  std::unordered_map<std::string, Pending, Hash, std::equal_to<>> pending_
      WINNOW_GUARDED_BY(mutex_);
};

}  // namespace winnow::state
