#include "services/deduper/remembered.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "libs/base/check.h"
#include "services/deduper/core.h"
#include "services/deduper/forgetting.h"

namespace winnow::deduper {

using record::FingerprintBits;
using record::Turn;

Result<std::unique_ptr<Remembered>> Remembered::Create(const spec::DedupPolicy& policy,
                                                       const HammingIndex::Options& options) {
  WINNOW_ASSIGN_OR_RETURN(HammingIndex index, HammingIndex::Create(options));
  return std::unique_ptr<Remembered>(new Remembered(policy, std::move(index)));
}

Remembered::Remembered(const spec::DedupPolicy& policy, HammingIndex index)
    : policy_(policy),
      turns_(TurnsOf(policy)),
      windowed_(policy.window_seconds > 0),
      detailed_(windowed_ || policy.scope != spec::DedupScope::kCollection),
      index_(std::move(index)) {}

Status Remembered::Add(std::uint64_t sequence, const Kept& kept) {
  WINNOW_RETURN_IF_ERROR(Note(sequence, kept));
  if (!Comparable(kept.fingerprint, policy_)) return {};
  return index_.Insert(static_cast<std::uint32_t>(sequence), kept.fingerprint->bits);
}

Status Remembered::Restore(std::uint64_t sequence, const Kept& kept) {
  WINNOW_RETURN_IF_ERROR(Note(sequence, kept));
  if (!Comparable(kept.fingerprint, policy_)) return {};
  return index_.Append(static_cast<std::uint32_t>(sequence), kept.fingerprint->bits);
}

Status Remembered::Built() { return index_.Build(); }

// What is known of it beside its fingerprint.
Status Remembered::Note(std::uint64_t sequence, const Kept& kept) {
  if (sequence >= std::numeric_limits<std::uint32_t>::max()) {
    return ConfigError("one deduper keeps at most 2^32 images; split the collection");
  }
  if (detailed_) {
    Page& page = pages_[sequence / kPage];
    if (page.details.empty()) page.details.resize(kPage);
    page.details[sequence % kPage] = {kept.traits.taken_at, ScopeNumber(kept.scope), true};
    ++page.held;
  }
  if (windowed_) by_period_[kept.period].push_back(static_cast<std::uint32_t>(sequence));
  return {};
}

void Remembered::Forget(std::uint64_t sequence) {
  index_.Erase(static_cast<std::uint32_t>(sequence));
  const auto page = pages_.find(sequence / kPage);
  if (page == pages_.end() || !page->second.details[sequence % kPage].held) return;
  page->second.details[sequence % kPage].held = false;
  if (--page->second.held == 0) pages_.erase(page);
}

bool Remembered::Holds(std::uint64_t sequence) const {
  return !detailed_ || DetailsOf(sequence) != nullptr;
}

const Remembered::Details* Remembered::DetailsOf(std::uint64_t sequence) const {
  const auto page = pages_.find(sequence / kPage);
  if (page == pages_.end()) return nullptr;
  const Details& details = page->second.details[sequence % kPage];
  return details.held ? &details : nullptr;
}

std::uint32_t Remembered::ScopeNumber(const std::string& scope) {
  const auto [entry, is_new] =
      scopes_.try_emplace(scope, static_cast<std::uint32_t>(scopes_.size()));
  if (is_new) scope_bytes_ += sizeof(*entry) + scope.capacity() + 2 * sizeof(void*);
  return entry->second;
}

std::optional<std::uint32_t> Remembered::FindScope(std::string_view scope) const {
  const auto found = scopes_.find(std::string(scope));
  if (found == scopes_.end()) return std::nullopt;
  return found->second;
}

bool Remembered::Meets(std::uint64_t sequence, std::optional<std::uint32_t> scope,
                       Timestamp taken_at) const {
  if (!detailed_) return true;
  const Details* const details = DetailsOf(sequence);
  if (details == nullptr || details->scope != scope) return false;
  if (!windowed_) return true;
  return IsWithin(details->taken_at, taken_at, policy_.window_seconds);
}

template <class Visit>
void Remembered::ForEachTurn(const record::Fingerprint& fingerprint, Visit visit) const {
  for (const Turn turn : turns_) {
    const auto at = static_cast<std::size_t>(turn);
    if (turn == Turn::kNone) {
      visit(turn, fingerprint.bits);
    } else if (at <= fingerprint.turned.size()) {
      visit(turn, fingerprint.turned[at - 1]);
    }
  }
}

std::vector<Remembered::Found> Remembered::Copies(const record::Fingerprint& fingerprint,
                                                  const Realm& realm) const {
  const auto scope = FindScope(realm.scope);
  std::map<std::uint64_t, Found> nearest;  // a symmetric picture is found by more than one turn
  ForEachTurn(fingerprint, [&](Turn turn, const FingerprintBits& bits) {
    for (const auto& match : index_.FindAll(bits, static_cast<int>(policy_.max_distance))) {
      if (!Meets(match.id, scope, realm.taken_at)) continue;
      const Found found = {match.distance, match.id, turn};
      const auto [entry, is_new] = nearest.try_emplace(match.id, found);
      if (!is_new) entry->second = std::min(entry->second, found);
    }
  });
  std::vector<Found> copies;
  for (const auto& [sequence, found] : nearest) copies.push_back(found);
  std::sort(copies.begin(), copies.end());
  return copies;
}

std::optional<Remembered::Found> Remembered::Nearest(const record::Fingerprint& fingerprint,
                                                     const Realm& realm) const {
  const auto scope = FindScope(realm.scope);
  std::optional<Found> nearest;
  ForEachTurn(fingerprint, [&](Turn turn, const FingerprintBits& bits) {
    const auto meets = [&](std::uint32_t id) { return Meets(id, scope, realm.taken_at); };
    const auto match = detailed_
                           ? index_.FindNearest(bits, HammingIndex::kMaxDistance, meets)
                           : index_.FindNearest(bits, HammingIndex::kMaxDistance);
    if (!match) return;
    const Found found = {match->distance, match->id, turn};
    nearest = nearest ? std::min(*nearest, found) : found;
  });
  return nearest;
}

std::vector<std::uint64_t> Remembered::TakeOlderThan(std::int64_t period, std::size_t most) {
  std::vector<std::uint64_t> taken;
  while (!by_period_.empty() && by_period_.begin()->first < period && taken.size() < most) {
    std::vector<std::uint32_t>& sequences = by_period_.begin()->second;
    std::size_t read = 0;
    for (; read < sequences.size() && taken.size() < most; ++read) {
      if (Holds(sequences[read])) taken.push_back(sequences[read]);
    }
    sequences.erase(sequences.begin(), sequences.begin() + static_cast<std::ptrdiff_t>(read));
    if (sequences.empty()) by_period_.erase(by_period_.begin());
  }
  return taken;
}

std::size_t Remembered::MemoryBytes() const {
  std::size_t bytes =
      index_.MemoryBytes() + pages_.size() * kPage * sizeof(Details) + scope_bytes_;
  for (const auto& [period, sequences] : by_period_) {
    bytes += sequences.capacity() * sizeof(sequences[0]);
  }
  return bytes;
}

}  // namespace winnow::deduper
