// The kept records as they are looked up: by fingerprint within a scope and a time window, and by
// when they are to be forgotten. A view of the state, rebuilt when the deduper opens; what only a
// decision needs stays in the state.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "libs/base/clock.h"
#include "libs/base/result.h"
#include "libs/record/image_record.h"
#include "libs/spec/spec.h"
#include "services/deduper/hamming_index.h"
#include "services/deduper/state_entries.h"

namespace winnow::deduper {

// Not thread-safe.
class Remembered {
 public:
  // Ordered from the nearest on, among equals the earliest record first.
  struct Found {
    int distance = 0;
    std::uint64_t sequence = 0;
    record::Turn turn = record::Turn::kNone;  // of the picture asked for
    friend auto operator<=>(const Found&, const Found&) = default;
  };

  // What a search may find.
  struct Realm {
    std::string_view scope;
    Timestamp taken_at{};
  };

  static Result<std::unique_ptr<Remembered>> Create(const spec::DedupPolicy& policy,
                                                    const HammingIndex::Options& options);

  // Sequences are new and ascend. kConfig when there can be no more of them, kUnavailable if the
  // index cannot have the room it needs.
  Status Add(std::uint64_t sequence, const Kept& kept);
  // To fill it quickly from a reopened state: Restore as by Add, any number of times, then Built;
  // nothing else in between.
  Status Restore(std::uint64_t sequence, const Kept& kept);
  Status Built();
  void Forget(std::uint64_t sequence);
  // False for what was forgotten. Known for certain with a time window only; without, true.
  bool Holds(std::uint64_t sequence) const;

  // All within policy.max_distance.
  std::vector<Found> Copies(const record::Fingerprint& fingerprint, const Realm& realm) const;
  // Within PDQ's 31 bits.
  std::optional<Found> Nearest(const record::Fingerprint& fingerprint, const Realm& realm) const;

  // Hands out the sequences of up to `most` records still held that were kept in periods before
  // `period`, oldest first. The caller forgets them.
  std::vector<std::uint64_t> TakeOlderThan(std::int64_t period, std::size_t most);

  // Comparable ones.
  std::size_t size() const { return index_.size(); }
  std::size_t MemoryBytes() const;
  std::size_t DiskBytes() const { return index_.DiskBytes(); }

 private:
  // Kept only where scope or time decide who may meet whom.
  struct Details {
    Timestamp taken_at{};
    std::uint32_t scope = 0;
    bool held = false;
  };
  // Gone when the last of its records is forgotten.
  struct Page {
    std::vector<Details> details;
    std::size_t held = 0;
  };
  static constexpr std::uint64_t kPage = 4096;

  Remembered(const spec::DedupPolicy& policy, HammingIndex index);

  Status Note(std::uint64_t sequence, const Kept& kept);
  std::uint32_t ScopeNumber(const std::string& scope);
  const Details* DetailsOf(std::uint64_t sequence) const;
  bool Meets(std::uint64_t sequence, std::optional<std::uint32_t> scope, Timestamp taken_at) const;
  // nullopt: nothing of that scope was ever kept.
  std::optional<std::uint32_t> FindScope(std::string_view scope) const;
  template <class Visit>
  void ForEachTurn(const record::Fingerprint& fingerprint, Visit visit) const;

  const spec::DedupPolicy policy_;
  const std::vector<record::Turn> turns_;
  const bool windowed_;
  const bool detailed_;
  HammingIndex index_;
  std::unordered_map<std::uint64_t, Page> pages_;
  std::unordered_map<std::string, std::uint32_t> scopes_;
  std::size_t scope_bytes_ = 0;
  std::map<std::int64_t, std::vector<std::uint32_t>> by_period_;
};

}  // namespace winnow::deduper
