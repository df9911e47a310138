// manifest.json of a set, as its readers in this room share it. Private to the room.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "libs/base/result.h"

namespace winnow::eval {

inline constexpr const char* kManifestName = "manifest.json";

// An object whose "items" is an array of objects with a text "file". Error kConfig that names the
// path.
Result<nlohmann::json> ReadManifestJson(const std::string& folder);

// A text, number or boolean as text; "" for anything else or nothing.
std::string TextOf(const nlohmann::json& object, const char* key);

}  // namespace winnow::eval
