// Internal to libs/kafka: the state of one input partition on disk, with the positions in changelog
// and input that it stands for. Formats: README.md.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "libs/base/clock.h"
#include "libs/base/result.h"
#include "libs/state/rocksdb_store.h"
#include "libs/state/state_store.h"

namespace winnow::kafka {

inline constexpr std::string_view kStateFamily = "state";
inline constexpr std::string_view kOriginFamily = "origin";
inline constexpr std::string_view kMetaFamily = "meta";

// Of a changelog entry: the first byte of its key.
inline constexpr char kStateEntry = 's';
inline constexpr char kOriginEntry = 'o';
inline constexpr char kInputEntry = 'i';  // the whole key; value: the input offset, 64 bits

// What a state directory belongs to; another one's is refused.
struct StateIdentity {
  std::string stage;
  std::string cluster;
  std::string input_topic;
  std::string changelog;
  int partition = 0;
};

struct StatePosition {
  std::int64_t changelog = 0;           // the state holds all entries below
  std::optional<std::int64_t> input{};  // the next message to judge, by the last changelog entry
  Timestamp written{};
};

// Reads are thread-safe; Commit is for one thread at a time.
class PartitionState {
 public:
  // Makes the directory if it is not there. kCorruptState for a directory of another partition,
  // topic, cluster or format.
  // Without `memory` to share with other partitions it has some of its own.
  static Result<std::unique_ptr<PartitionState>> Open(
      const std::string& directory, const StateIdentity& identity,
      std::shared_ptr<const state::RocksDbMemory> memory = nullptr);

  // Whatever partition's it is. Commit fails.
  static Result<std::unique_ptr<PartitionState>> OpenToRead(const std::string& directory);

  const state::StateStore& store() const { return *store_; }
  const StatePosition& position() const { return position_; }

  // Entries are those of the stage; positions do not count. Thread-safe and cheap.
  stream::StateFigures Figures() const;

  // Entries and position become durable together.
  Status Commit(state::WriteBatch batch, const StatePosition& position);

 private:
  explicit PartitionState(std::unique_ptr<state::StateStore> store) : store_(std::move(store)) {}
  Status CheckIdentity(const std::string& directory, const StateIdentity& identity);
  Status ReadPosition(const std::string& directory);

  std::unique_ptr<state::StateStore> store_;
  StatePosition position_;
};

// `value` absent: a deletion. nullopt for an entry this version does not know; `position` takes the
// input offset of an entry that has one.
std::optional<state::FamilyWrite> FromChangelog(std::string_view key,
                                                std::optional<std::string_view> value,
                                                StatePosition& position);

// "STATE_DIR/3"
std::string PartitionDirectory(const std::string& state_directory, int partition);

}  // namespace winnow::kafka
