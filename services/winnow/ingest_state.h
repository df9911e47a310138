// What `winnow ingest` remembers between its runs.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "libs/base/result.h"
#include "libs/state/state_store.h"
#include "libs/stream/source.h"

namespace winnow::cli {

// Where a folder is fed: a state serves one of them only.
struct IngestTarget {
  std::string cluster;  // Kafka's cluster id
  std::string topic;
  std::string collection;
  std::string source;
};

// The entries of a source that the broker has. One thread.
//
// Format 1, in RocksDB: family "target" has one entry per field of IngestTarget, family "sent" has
// the entry's name -> its version.
class IngestState {
 public:
  // `directory` empty: remembers for this run only. kConfig if it belongs to another target or
  // cannot be used.
  static Result<std::unique_ptr<IngestState>> Open(const std::string& directory,
                                                   const IngestTarget& target);

  Result<bool> IsSent(const stream::SourceEntry& entry) const;
  // Durable with the next Save, or before.
  Status NoteSent(const stream::SourceEntry& entry);
  Status Save();

 private:
  explicit IngestState(std::unique_ptr<state::StateStore> store) : store_(std::move(store)) {}
  Status Claim(const std::string& directory, const IngestTarget& target);

  std::unique_ptr<state::StateStore> store_;
  state::WriteBatch unsaved_{};
};

}  // namespace winnow::cli
