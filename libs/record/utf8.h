// Text on the wire is UTF-8; what file systems and label files hold need not be.
#pragma once

#include <string>
#include <string_view>

namespace winnow::record {

// True for well-formed UTF-8 (Unicode 15, table 3-7): no surrogates, no overlong forms. NUL is
// well-formed.
bool IsUtf8(std::string_view text);

// `text` with every byte that is not part of a well-formed sequence replaced by U+FFFD. Text that
// is well-formed comes back as it is.
std::string ToUtf8(std::string_view text);

}  // namespace winnow::record
