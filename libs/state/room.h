// Room on disk, asked for before it is needed: RocksDB as Debian builds it (7.8, assertions on) ends
// the process when a file that ran out of room is synced or closed, and says nothing of room.
#pragma once

#include <cstdint>
#include <string>

#include "libs/base/result.h"

namespace winnow::state {

// More than RocksDB writes between two questions: a flush of its memtables, a new log and manifest.
inline constexpr std::uint64_t kRoomToOpen = 16u << 20;
inline constexpr std::uint64_t kRoomToWrite = 8u << 20;

// kUnavailable, naming what there is and what is wanted, if the file system that holds `directory`
// has less. Where the system does not say how much there is, there is enough.
Status RequireRoom(const std::string& directory, std::uint64_t bytes);

}  // namespace winnow::state
