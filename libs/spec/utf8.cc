#include "libs/spec/utf8.h"

#include <algorithm>

namespace winnow::spec {
namespace {

unsigned Byte(std::string_view text, std::size_t at) {
  return at < text.size() ? static_cast<unsigned char>(text[at]) : 0;
}

bool IsTail(unsigned byte) { return (byte & 0xC0) == 0x80; }

// Bytes of the character that starts at `at`; 0 if it is not well-formed.
std::size_t CharacterLength(std::string_view text, std::size_t at) {
  const unsigned first = Byte(text, at);
  if (first == 0) return 0;
  if (first < 0x80) return 1;
  if (first < 0xC2 || first > 0xF4 || !IsTail(Byte(text, at + 1))) return 0;
  if (first < 0xE0) return 2;
  const unsigned second = Byte(text, at + 1);
  const bool out_of_range = (first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F) ||
                            (first == 0xF0 && second < 0x90) || (first == 0xF4 && second > 0x8F);
  if (out_of_range || !IsTail(Byte(text, at + 2))) return 0;
  if (first < 0xF0) return 3;
  return IsTail(Byte(text, at + 3)) ? 4 : 0;
}

}  // namespace

std::size_t FirstBadByte(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = CharacterLength(text, at);
    if (length == 0) return at;
    at += length;
  }
  return std::string_view::npos;
}

bool HasControlCharacter(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7F;
  });
}

}  // namespace winnow::spec
