// Small binary values for state entries: big-endian integers (so that keys sort by number) and
// strings that carry their length. What each entry holds is written in its room's README.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace winnow {

// Appends to a string it owns.
class WireWriter {
 public:
  WireWriter() = default;
  // With room for so many bytes: longer entries cost an allocation instead of several.
  explicit WireWriter(std::size_t room) { bytes_.reserve(room); }

  WireWriter& U8(std::uint8_t value) { return Unsigned(value, 1); }
  WireWriter& U32(std::uint32_t value) { return Unsigned(value, 4); }
  WireWriter& U64(std::uint64_t value) { return Unsigned(value, 8); }
  // IEEE 754 bits.
  WireWriter& Double(double value);
  // Length (32 bits), then the bytes.
  WireWriter& Text(std::string_view value);
  // The bytes alone: for key prefixes and what is last in an entry.
  WireWriter& Raw(std::string_view value) {
    bytes_.append(value);
    return *this;
  }

  std::string Take() { return std::move(bytes_); }

 private:
  WireWriter& Unsigned(std::uint64_t value, int bytes);

  std::string bytes_;
};

// Reads what a WireWriter wrote. Reading past the end gives zeros and empty texts and is
// remembered: check Done() after the last read. `bytes` must outlive the reader.
class WireReader {
 public:
  explicit WireReader(std::string_view bytes) : rest_(bytes) {}

  std::uint8_t U8() { return static_cast<std::uint8_t>(Unsigned(1)); }
  std::uint32_t U32() { return static_cast<std::uint32_t>(Unsigned(4)); }
  std::uint64_t U64() { return Unsigned(8); }
  double Double();
  std::string Text() { return std::string(Take(U32())); }
  void SkipText() { Take(U32()); }
  // Valid as long as what is read; empty where that is shorter.
  std::string_view Raw(std::size_t size) { return Take(size); }

  // True if every read so far was within the bytes. Test it in loops whose count was read.
  bool ok() const { return whole_; }
  // True if, besides, nothing is left.
  bool Done() const { return whole_ && rest_.empty(); }

 private:
  std::string_view Take(std::size_t size);
  std::uint64_t Unsigned(int bytes);

  std::string_view rest_;
  bool whole_ = true;
};

}  // namespace winnow
