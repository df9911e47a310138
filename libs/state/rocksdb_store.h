// StateStore on RocksDB: a column family per family, one synced WriteBatch per commit.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "libs/base/result.h"
#include "libs/state/state_store.h"

namespace winnow::state {

enum class OpenMode { kReadWrite, kReadOnly };

struct RocksDbOptions {
  std::string directory;
  std::vector<std::string> families;
  OpenMode mode = OpenMode::kReadWrite;
  // Bounds all memory RocksDB takes: block cache, memtables, indexes.
  std::size_t memory_bytes = 16u << 20;
};

// kConfig if the directory cannot be used (permissions, locked by another process, not there in
// read-only mode), kCorruptState if its content or format version is not ours.
Result<std::unique_ptr<StateStore>> OpenRocksDb(const RocksDbOptions& options);

}  // namespace winnow::state
