// JSON from files that anybody may have written. Private to the room, as is nlohmann-json.
#pragma once

#include <cstddef>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/base/result.h"

namespace winnow::ingest {

using Json = nlohmann::json;

inline constexpr int kMaxJsonDepth = 32;

// "byte 17: syntax error while parsing value ..." from the library's "[json.exception...] ...".
std::string JsonProblem(std::size_t byte, std::string_view library_message);

// Parses one whole document. Error kInput with byte and cause for text that is not JSON, not UTF-8,
// has a number that no double holds, or nests deeper than kMaxJsonDepth. Never throws.
Result<Json> ParseJson(std::string_view text);

// The readers below give an Error kInput that names `what` if the value is of another kind.
Result<std::string> ReadText(const Json& value, std::string_view what);
Result<std::vector<std::string>> ReadTexts(const Json& value, std::string_view what);
Result<std::vector<double>> ReadNumbers(const Json& value, std::string_view what);
// An object of texts, numbers and booleans, all turned to text.
Result<std::map<std::string, std::string>> ReadTextMap(const Json& value, std::string_view what);
// A whole number in 0 .. 2^32-1.
Result<std::uint32_t> ReadUint32(const Json& value, std::string_view what);

// The member called `key`; null if there is none or it is JSON null.
const Json* Member(const Json& object, const char* key);

}  // namespace winnow::ingest
