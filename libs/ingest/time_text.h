// Times as cameras and label files write them. Private to the room.
#pragma once

#include <optional>
#include <string_view>

#include "libs/base/clock.h"

namespace winnow::ingest {

// RFC 3339: "2024-05-01T12:30:00Z", "2024-05-01T12:30:00.250+02:00"; also the date alone, which
// means midnight UTC. nullopt for anything else, such as a time without zone or 30 February.
std::optional<Timestamp> ParseRfc3339(std::string_view text);

// EXIF "2024:05:01 12:30:00" with the EXIF offset "+02:00". Without offset the clock is taken as
// UTC: EXIF does not say where the camera was.
std::optional<Timestamp> ParseExifTime(std::string_view text, std::string_view offset);

}  // namespace winnow::ingest
