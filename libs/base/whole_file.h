// Files that fit into memory.
#pragma once

#include <optional>
#include <string>

namespace winnow {

// The bytes of a file. nullopt if it cannot be read to its end, as a folder cannot. Throws nothing.
std::optional<std::string> ReadWholeFile(const std::string& path);

}  // namespace winnow
