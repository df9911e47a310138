// Text on the wire is UTF-8; what file systems and label files hold need not be.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace winnow {

// Offset of the first byte that is not part of well-formed UTF-8 (Unicode 15, table 3-7: no
// surrogates, no overlong forms; NUL is well-formed); npos if there is none.
std::size_t FirstBadUtf8(std::string_view text);
bool IsUtf8(std::string_view text);

// `text` with every byte that is not part of a well-formed sequence replaced by U+FFFD. Text that
// is well-formed comes back as it is.
std::string ToUtf8(std::string_view text);

}  // namespace winnow
