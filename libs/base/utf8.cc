#include "libs/base/utf8.h"

#include <cstdint>
#include <cstring>

namespace winnow {
namespace {

unsigned char At(std::string_view text, std::size_t i) {
  return i < text.size() ? static_cast<unsigned char>(text[i]) : 0;
}

bool Between(unsigned char byte, unsigned low, unsigned high) {
  return byte >= low && byte <= high;
}

bool Continues(std::string_view text, std::size_t from, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    if (!Between(At(text, from + i), 0x80, 0xBF)) return false;
  }
  return true;
}

// Bytes of the well-formed sequence at `at`; 0 if there is none.
std::size_t SequenceLength(std::string_view text, std::size_t at) {
  const unsigned char first = At(text, at);
  const unsigned char second = At(text, at + 1);
  if (first < 0x80) return 1;
  if (Between(first, 0xC2, 0xDF)) return Continues(text, at + 1, 1) ? 2 : 0;
  if (Between(first, 0xE0, 0xEF)) {
    const bool second_fits =
        Between(second, first == 0xE0 ? 0xA0 : 0x80, first == 0xED ? 0x9F : 0xBF);
    return second_fits && Continues(text, at + 2, 1) ? 3 : 0;
  }
  if (Between(first, 0xF0, 0xF4)) {
    const bool second_fits =
        Between(second, first == 0xF0 ? 0x90 : 0x80, first == 0xF4 ? 0x8F : 0xBF);
    return second_fits && Continues(text, at + 2, 2) ? 4 : 0;
  }
  return 0;
}

// Bytes at the beginning that are ASCII, eight at a time: a lower bound.
std::size_t AsciiPrefix(std::string_view text) {
  constexpr std::uint64_t kHighBits = 0x8080'8080'8080'8080;
  std::size_t at = 0;
  for (std::uint64_t eight = 0; at + sizeof(eight) <= text.size(); at += sizeof(eight)) {
    std::memcpy(&eight, text.data() + at, sizeof(eight));
    if ((eight & kHighBits) != 0) break;
  }
  return at;
}

}  // namespace

std::size_t FirstBadUtf8(std::string_view text) {
  for (std::size_t at = AsciiPrefix(text); at < text.size();) {
    const std::size_t length = SequenceLength(text, at);
    if (length == 0) return at;
    at += length;
  }
  return std::string_view::npos;
}

bool IsUtf8(std::string_view text) { return FirstBadUtf8(text) == std::string_view::npos; }

std::string ToUtf8(std::string_view text) {
  if (IsUtf8(text)) return std::string(text);
  std::string fixed;
  fixed.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = SequenceLength(text, at);
    fixed += length == 0 ? std::string_view("\xEF\xBF\xBD") : text.substr(at, length);
    at += length == 0 ? 1 : length;
  }
  return fixed;
}

}  // namespace winnow
