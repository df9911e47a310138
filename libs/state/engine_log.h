// What RocksDB tells of itself, beside its state: LOG, and LOG.old of the run before.
#pragma once

#include <rocksdb/env.h>

#include <memory>
#include <string>

namespace winnow::state {

// Writes what there is room for and drops the rest. RocksDB's own logger must not stand in its
// place: with the assertions that Debian leaves on it ends the process when a line after one that
// did not fit is written, so that a store on a full disk could not even be closed.
std::shared_ptr<rocksdb::Logger> OpenEngineLog(const std::string& directory);

}  // namespace winnow::state
