// Where stages keep state: named families of ordered key-value entries, written only in atomic
// batches.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/base/result.h"
#include "libs/stream/processor.h"
#include "libs/stream/stage_observer.h"

namespace winnow::state {

struct FamilyWrite {
  std::string family;
  stream::StateWrite write;
};

// Entries that become durable together or not at all. Later writes to a key win.
using WriteBatch = std::vector<FamilyWrite>;

// Reads are thread-safe, also against a running Commit; Commit is called from one thread.
class StateStore {
 public:
  virtual ~StateStore() = default;

  virtual Result<std::optional<std::string>> Get(std::string_view family,
                                                 std::string_view key) const = 0;
  // In key order from the first key >= prefix, while keys start with it and `visit` returns true.
  virtual Status Scan(std::string_view family, std::string_view prefix,
                      const std::function<bool(std::string_view key, std::string_view value)>&
                          visit) const = 0;
  // On return the batch is on disk. kUnavailable for a full or failing disk: nothing was written.
  virtual Status Commit(const WriteBatch& batch) = 0;
  // The entries of `counted`, everything else of all families; what a family that is not there has
  // is 0. Looks at counters only, so that it may be asked every few seconds, from any thread.
  virtual stream::StateFigures Figures(const std::vector<std::string>& counted) const = 0;
};

// For tests and runs without a state directory. Families come into being on first write.
std::unique_ptr<StateStore> NewMemoryStore();

// One family of a store as a processor's StateView. `store` must outlive it.
std::unique_ptr<stream::StateView> ViewOf(const StateStore& store, std::string family);

}  // namespace winnow::state
