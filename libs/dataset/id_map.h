// A map from ids to small numbers in the least memory that still finds them at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "libs/base/ids.h"

namespace winnow::dataset {

// Open addressing, between one third and two thirds full: 24 to 48 bytes an id, half as much again
// while it grows. Ids are told apart by 96 bits of their SHA-256: among a thousand million the
// chance that any two are taken for one is 10^-11. Not thread-safe.
class IdMap {
 public:
  static constexpr std::uint32_t kMaxValue = UINT32_MAX - 1;

  // False if it was there; then it keeps its value.
  bool Insert(const RecordId& id, std::uint32_t value);
  // Gives an id that is there another value.
  void Assign(const RecordId& id, std::uint32_t value);
  std::optional<std::uint32_t> Find(const RecordId& id) const;
  bool Contains(const RecordId& id) const { return Find(id).has_value(); }
  std::size_t size() const { return size_; }

 private:
  struct Slot {
    std::uint64_t high = 0;
    std::uint32_t low = 0;
    std::uint32_t value_plus_one = 0;  // 0: free
    bool free() const { return value_plus_one == 0; }
    bool IsOf(const Slot& other) const { return high == other.high && low == other.low; }
  };

  static Slot SlotOf(const RecordId& id, std::uint32_t value);
  std::size_t PlaceOf(const Slot& slot) const;
  void Grow();

  std::vector<Slot> slots_;
  std::size_t size_ = 0;
};

}  // namespace winnow::dataset
