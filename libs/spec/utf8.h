// Text checks shared by reader and checker.
#pragma once

#include <cstddef>
#include <string_view>

namespace winnow::spec {

// Offset of the first byte that is not part of well-formed UTF-8 (Unicode 15, table 3-7: no
// overlong forms, no surrogates) or is a NUL; npos if there is none.
std::size_t FirstBadByte(std::string_view text);

// Has a character below U+0020, or U+007F.
bool HasControlCharacter(std::string_view text);

}  // namespace winnow::spec
