#include "libs/spec/utf8.h"

#include <algorithm>

#include "libs/base/utf8.h"

namespace winnow::spec {

std::size_t FirstBadByte(std::string_view text) {
  return std::min(FirstBadUtf8(text), text.find('\0'));
}

bool HasControlCharacter(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7F;
  });
}

}  // namespace winnow::spec
