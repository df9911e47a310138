// "Did you mean": the candidate closest to what was written.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace winnow::spec {

// Edits (insert, delete, replace, swap two neighbours) that turn one text into the other, upper and
// lower case taken as equal: the "optimal string alignment" distance. Looks at the first 64 bytes.
int EditDistance(std::string_view a, std::string_view b);

// The candidate at the least distance, the first of equals; if that one differs in more than a
// third of its letters, the one candidate that begins with what was written (three letters or
// more). Otherwise nullopt: a far-fetched hint is worse than none.
std::optional<std::string> Nearest(std::string_view written,
                                   const std::vector<std::string>& candidates);

}  // namespace winnow::spec
