// Rules for names and texts in a spec, and how to say them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/spec/schema.h"

namespace winnow::spec {

// What is wrong with the text, as the end of a sentence that begins with it; nullopt if it is fine.
std::optional<std::string> TextFault(std::string_view text, Form form);

// "write dark" if one of the words is near, else "write one of dark, dim ...".
std::string OneOf(std::string_view written, const std::vector<std::string>& words);

}  // namespace winnow::spec
