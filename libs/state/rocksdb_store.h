// StateStore on RocksDB: a column family per family, one synced WriteBatch per commit.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "libs/base/result.h"
#include "libs/state/state_store.h"

namespace winnow::state {

enum class OpenMode { kReadWrite, kReadOnly };

// What several stores of one process share, so that the busy ones have what the idle ones leave; in
// their figures each has an equal share of what is used.
class RocksDbMemory;
// Bounds all memory that RocksDB takes for them: block cache, memtables, indexes.
std::shared_ptr<const RocksDbMemory> NewRocksDbMemory(std::size_t bytes);

struct RocksDbOptions {
  std::string directory;
  std::vector<std::string> families;
  OpenMode mode = OpenMode::kReadWrite;
  // Of its own if there is none to share.
  std::size_t memory_bytes = 16u << 20;
  std::shared_ptr<const RocksDbMemory> memory = nullptr;
};

// kConfig if the directory cannot be used (permissions, locked by another process, not there in
// read-only mode), kCorruptState if its content or format version is not ours.
Result<std::unique_ptr<StateStore>> OpenRocksDb(const RocksDbOptions& options);

}  // namespace winnow::state
