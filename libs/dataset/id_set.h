// A set of 128-bit ids in the least memory that still finds them at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "libs/base/ids.h"

namespace winnow::dataset {

// Open addressing, between one third and two thirds full: 24 to 48 bytes an id, half as much again
// while it grows. Not thread-safe.
class IdSet {
 public:
  // False if it was there. Ids are told apart by 127 bits of their SHA-256.
  bool Insert(const RecordId& id);
  bool Contains(const RecordId& id) const;
  std::size_t size() const { return size_; }

 private:
  struct Slot {
    std::uint64_t high = 0;
    std::uint64_t low = 0;  // 0: free
    friend bool operator==(const Slot&, const Slot&) = default;
  };

  static Slot SlotOf(const RecordId& id);
  std::size_t PlaceOf(const Slot& slot) const;
  void Grow();

  std::vector<Slot> slots_;
  std::size_t size_ = 0;
};

}  // namespace winnow::dataset
