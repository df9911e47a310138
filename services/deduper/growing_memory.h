// One long array of bytes that grows in place: in memory, or in a file without a name.
//
// Growing never copies and never holds the bytes twice: address space is reserved ahead, and what
// outgrows it is moved by its page table. In memory, full 2 MiB stretches become huge pages where
// the kernel has them, which is worth a third of a random look-up.
#pragma once

#include <cstddef>
#include <string>

#include "libs/base/result.h"

namespace winnow::deduper {

// Not thread-safe; reading in parallel is. The file is gone when the process is: nothing in it is
// ever read by another.
class GrowingMemory {
 public:
  // As many bytes after the end may be read (not relied upon), so that a vector load may overshoot.
  static constexpr std::size_t kPadding = 64;

  GrowingMemory() = default;
  GrowingMemory(GrowingMemory&& other) noexcept;
  GrowingMemory& operator=(GrowingMemory&& other) noexcept;
  ~GrowingMemory();

  // An empty array whose bytes will be in a file in `directory`. kUnavailable if it cannot be
  // written to.
  static Result<GrowingMemory> InFile(const std::string& directory);
  // Moves an array without holes, and what is added to it later, into a file in `directory`.
  // kUnavailable, with nothing changed, if that cannot be written to or lacks the room.
  Status MoveToFile(const std::string& directory);

  // New bytes are zero. Pointers into the array become invalid. In a file, room is asked for before
  // it is used: a full disk is kUnavailable, with nothing changed, and never a fault at an access.
  // Making it smaller always succeeds.
  Status Resize(std::size_t bytes);

  // For an array with holes, which only grows: as Resize, but without room for the new bytes. They
  // read as zeros; before writing there, Hold it.
  Status ExtendSparse(std::size_t bytes);
  // Room for a stretch that has none. `offset` and `bytes` are multiples of kHole.
  Status Hold(std::size_t offset, std::size_t bytes);
  // Gives a held stretch back; it reads as zeros from now on.
  void Discard(std::size_t offset, std::size_t bytes);
  static constexpr std::size_t kHole = 2u << 20;

  // How the array is about to be read; matters in a file only.
  void ExpectSequentialAccess() const;
  void ExpectRandomAccess() const;

  std::byte* data() { return data_; }
  const std::byte* data() const { return data_; }
  bool in_file() const { return file_ >= 0; }
  // What is held, rounded up to what the system gives out.
  std::size_t MemoryBytes() const { return in_file() ? 0 : held_; }
  std::size_t DiskBytes() const { return in_file() ? held_ : 0; }

 private:
  Status Map(std::size_t bytes);
  Status ReserveAddresses(std::size_t bytes);
  Status MapFile(std::size_t from, std::size_t to);
  Status AllocateInFile(std::size_t offset, std::size_t bytes) const;
  void Unmap(std::size_t bytes);
  void UseHugePages();
  Error NoRoom(std::size_t bytes, int why) const;

  std::byte* data_ = nullptr;
  std::size_t mapped_ = 0;    // bytes that may be accessed; the rest of the addresses are only ours
  std::size_t held_ = 0;      // of those, bytes there is room for
  std::size_t reserved_ = 0;  // bytes of address space
  std::size_t huge_ = 0;      // bytes that were turned into huge pages
  int file_ = -1;
  std::string directory_;     // of the file
};

}  // namespace winnow::deduper
