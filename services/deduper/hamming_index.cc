#include "services/deduper/hamming_index.h"

#include <algorithm>
#include <bit>
#include <filesystem>
#include <span>
#include <system_error>
#include <tuple>
#include <utility>

#include "libs/base/check.h"

namespace winnow::deduper {
namespace {

using Bits = HammingIndex::Bits;
using Match = HammingIndex::Match;
using Accept = HammingIndex::Accept;
using Hit = ScanHits::Hit;
using Tables = std::array<WordTable, WordTable::kWords>;

constexpr std::uint32_t kReserved = 0xffff'ffff;
// Entries in the tables' recent parts, of all: more make merges rarer and searches longer, and cost
// memory.
constexpr std::size_t kEntriesPerRecent = 128;
// What an entry takes there: in each of 8 tables 4 times a word and an id, besides once in the list
// of the newest; and what the system rounds up to in 64 arrays.
constexpr std::size_t kRecentBytes = 8 * (4 + 1) * 8;
constexpr std::size_t kRecentSlack = 64 * (16u << 10);
// A table is swept once this share of what is left has been erased.
constexpr std::size_t kEntriesPerErasure = 8;
// Within this distance some word differs by at most one bit, so that one of its halves is equal.
constexpr int kEqualDistance = 15;

std::uint32_t Word(const Bits& bits, std::size_t word) {
  return static_cast<std::uint32_t>(bits[word / 2] >> (32 * (word % 2)));
}

template <std::uint32_t... kNumbers>
Tables NewTables(std::size_t fewest_for_fronts,
                 std::integer_sequence<std::uint32_t, kNumbers...>) {
  return {WordTable(kNumbers, fewest_for_fronts)...};
}

bool NearerThan(const Match& a, const Match& b) {
  return std::tie(a.distance, a.id) < std::tie(b.distance, b.id);
}

// One search: which entries are within the distance.
class Search {
 public:
  Search(const Bits& bits, int max_distance, const FingerprintStore& store, const BitScan& scan)
      : bits_(bits),
        max_distance_(max_distance),
        errors_(max_distance / static_cast<int>(WordTable::kWords)),
        store_(store),
        scan_(scan) {
    WINNOW_CHECK(max_distance >= 0 && max_distance <= HammingIndex::kMaxDistance);
  }

  // Finds all up to kEqualDistance, and some of the others.
  void LookAtEqual(const Tables& tables) {
    WordTable::RecentRanges recent;
    WordTable::EqualRanges equal;
    for (std::size_t word = 0; word < WordTable::kWords; ++word) {
      tables[word].FetchEqual(Word(bits_, word));
      tables[word].AddRecent(Word(bits_, word), errors_, recent);
    }
    for (std::size_t word = 0; word < WordTable::kWords; ++word) {
      tables[word].AddEqual(Word(bits_, word), errors_, equal);
    }
    if (errors_ >= 2) tables[0].FetchOneOff(Word(bits_, 0));
    Scan(scan_.scan32, recent, [&] { VerifyRecent(tables); });
    Scan(scan_.scan16, equal, [&] { VerifySettled(tables, 0); });
    Verify();
  }

  // Finds the rest.
  void LookAtOneOff(const Tables& tables) {
    if (errors_ < 2) return;
    // What the ranges of one word begin with is fetched while those of the word before are made,
    // and the rest of their lanes while those of the one before that are scanned.
    std::array<WordTable::OneOffRanges, 2> ranges;
    for (std::size_t word = 0; word <= WordTable::kWords; ++word) {
      if (word + 1 < WordTable::kWords) tables[word + 1].FetchOneOff(Word(bits_, word + 1));
      if (word < WordTable::kWords) {
        ranges[word % 2].count = 0;
        tables[word].AddOneOff(Word(bits_, word), errors_, ranges[word % 2]);
      }
      if (word > 0) {
        Collect(scan_.scan16, ranges[(word - 1) % 2], [&] { VerifySettled(tables, 1); });
      }
    }
    VerifySettled(tables, 1);
    Verify();
  }

  // The nearest that counts among those found at `from` bits or more.
  std::optional<Match> Nearest(int from, int to, const Accept& accept) {
    DropRepetitions();
    for (const Match& match : matches_) {
      if (match.distance < from || match.distance > to) continue;
      if (!accept || accept(match.id)) return match;
    }
    return std::nullopt;
  }

  // In order of distance, then id.
  std::vector<Match> Take() {
    DropRepetitions();
    return std::move(matches_);
  }

 private:
  // Adds to the hits, which `verify` empties whenever they are full.
  template <class Lane, std::size_t kRoom, class Verify>
  void Collect(ScanFunction<Lane> scan, ScanList<Lane, kRoom>& list, const Verify& verify) {
    ScanRange<Lane>* at = list.ranges.data();
    ScanRange<Lane>* const end = at + list.count;
    while ((at = scan(at, end, hits_)) != end) verify();
  }

  template <class Lane, std::size_t kRoom, class Verify>
  void Scan(ScanFunction<Lane> scan, ScanList<Lane, kRoom>& list, const Verify& verify) {
    Collect(scan, list, verify);
    verify();
  }

  void VerifyRecent(const Tables& tables) {
    for (const Hit& hit : Hits()) LookUp(Of(tables, hit).RecentId(hit));
    hits_.count = 0;
  }

  // Words whose low halves differ by at most `met_by_low` bits were met by those, too.
  void VerifySettled(const Tables& tables, int met_by_low) {
    for (const Hit& hit : Hits()) {
      if (Of(tables, hit).HasId(hit)) Of(tables, hit).FetchSettledId(hit);
    }
    const std::size_t known = words_.size();
    for (const Hit& hit : Hits()) {
      if (Of(tables, hit).HasId(hit)) {
        LookUp(Of(tables, hit).SettledId(hit));
        continue;
      }
      const std::size_t number = WordTable::NumberOf(hit);
      const std::uint32_t word = tables[number].SettledWord(hit);
      if (std::popcount((word ^ Word(bits_, number)) & 0xffff) <= met_by_low) continue;
      words_.push_back(std::uint64_t{number} << 32 | word);
    }
    hits_.count = 0;
    if (words_.size() > known) LookUpWords(tables, known);
  }

  // Those from words_[known] on, but none a second time: any number of entries may share a word.
  void LookUpWords(const Tables& tables, std::size_t known) {
    std::sort(From(known), words_.end());
    words_.erase(std::unique(From(known), words_.end()), words_.end());
    words_.erase(std::remove_if(From(known), words_.end(),
                                [&](std::uint64_t word) {
                                  return std::binary_search(words_.begin(), From(known), word);
                                }),
                 words_.end());
    for (std::size_t i = known; i < words_.size(); ++i) {
      tables[words_[i] >> 32].FetchSame(static_cast<std::uint32_t>(words_[i]));
    }
    const auto look_up = [&] {
      for (const Hit& hit : Hits()) LookUp(Of(tables, hit).SettledId(hit));
      hits_.count = 0;
    };
    WordTable::SameRanges same;
    for (std::size_t i = known; i < words_.size(); ++i) {
      tables[words_[i] >> 32].AddSame(static_cast<std::uint32_t>(words_[i]), same);
      if ((i - known) % WordTable::kSameWords != WordTable::kSameWords - 1) continue;
      Scan(scan_.scan16, same, look_up);
      same.count = 0;
    }
    Scan(scan_.scan16, same, look_up);
    std::inplace_merge(words_.begin(), From(known), words_.end());
  }

  std::span<const Hit> Hits() const { return std::span(hits_.hits).first(hits_.count); }
  static const WordTable& Of(const Tables& tables, const Hit& hit) {
    return tables[WordTable::NumberOf(hit)];
  }

  std::vector<std::uint64_t>::iterator From(std::size_t first) {
    return words_.begin() + static_cast<std::ptrdiff_t>(first);
  }

  void LookUp(const std::uint32_t* id) {
    Fetch(id);
    if (found_ == ids_.size()) Verify();
    ids_[found_++] = id;
  }

  void Verify() {
    std::array<std::uint32_t, kFound> ids;
    std::array<std::uint16_t, kFound> distances;
    for (std::size_t i = 0; i < found_; ++i) {
      ids[i] = *ids_[i];
      Fetch(&store_[ids[i]]);
    }
    scan_.distances(store_.words(), ids.data(), found_, bits_.data(), distances.data());
    for (std::size_t i = 0; i < found_; ++i) {
      if (distances[i] <= max_distance_ && store_.Contains(ids[i])) Add({ids[i], distances[i]});
    }
    found_ = 0;
  }

  void Add(const Match& match) {
    // Close matches are met in many tables: what is kept stays within twice what there is.
    if (matches_.size() == distinct_at_most_) {
      DropRepetitions();
      distinct_at_most_ = std::max(distinct_at_most_, 2 * matches_.size());
    }
    matches_.push_back(match);
  }

  void DropRepetitions() {
    std::sort(matches_.begin(), matches_.end(), NearerThan);
    matches_.erase(std::unique(matches_.begin(), matches_.end()), matches_.end());
  }

  const Bits& bits_;
  const int max_distance_;
  const int errors_;  // some word differs by at most so many bits
  const FingerprintStore& store_;
  const BitScan& scan_;
  ScanHits hits_;
  std::vector<std::uint64_t> words_;  // those looked up, below the number of their table
  static constexpr std::size_t kFound = 512;
  std::array<const std::uint32_t*, kFound> ids_;  // where those are that may be matches
  std::size_t found_ = 0;
  std::vector<Match> matches_;
  std::size_t distinct_at_most_ = 1024;
};

}  // namespace

int HammingDistance(const Bits& a, const Bits& b) {
  int distance = 0;
  for (std::size_t i = 0; i < a.size(); ++i) distance += std::popcount(a[i] ^ b[i]);
  return distance;
}

HammingIndex::HammingIndex() : HammingIndex(Options()) {}

HammingIndex::HammingIndex(Options options)
    : options_(std::move(options)),
      tables_(NewTables(options_.fewest_for_fronts,
                        std::make_integer_sequence<std::uint32_t, WordTable::kWords>())) {}

Result<HammingIndex> HammingIndex::Create(Options options) {
  if (options.memory_bytes != kUnlimited && options.spill_directory.empty()) {
    return ConfigError("an index of fingerprints of limited memory needs a directory for the rest");
  }
  HammingIndex index(std::move(options));
  if (!index.options_.spill_directory.empty()) {
    std::error_code not_made;  // told by what cannot be written there
    std::filesystem::create_directories(index.options_.spill_directory, not_made);
    WINNOW_RETURN_IF_ERROR(GrowingMemory::InFile(index.options_.spill_directory));
  }
  WINNOW_RETURN_IF_ERROR(index.SpillFor(0));
  return index;
}

Status HammingIndex::Insert(std::uint32_t id, const Bits& bits) {
  WINNOW_RETURN_IF_ERROR(SettleIfDue());
  WINNOW_RETURN_IF_ERROR(HoldEntry(id));
  store_.Put(id, bits);
  AddToTables(id);
  ++inserts_;
  return {};
}

void HammingIndex::AddToTables(std::uint32_t id) {
  for (std::size_t word = 0; word < tables_.size(); ++word) {
    tables_[word].Insert({Word(store_[id], word), id});
  }
}

Status HammingIndex::HoldEntry(std::uint32_t id) {
  WINNOW_CHECK(id != kReserved);
  if (!store_.HasRoom(id)) WINNOW_RETURN_IF_ERROR(SpillFor(FingerprintStore::kBlockBytes));
  return store_.Hold(id);
}

std::size_t HammingIndex::MostRecent() const {
  return std::max(options_.fewest_recent, size() / kEntriesPerRecent);
}

Status HammingIndex::SettleIfDue() {
  const std::size_t most = MostRecent();
  if (inserts_ < std::max<std::size_t>(1, most / tables_.size())) return {};
  WordTable& table = tables_[next_to_settle_];
  // At first all tables are equally full: those whose turn comes early wait for the next.
  if (table.recent() >= most / 2) {
    WINNOW_RETURN_IF_ERROR(MakeRoomFor(table.recent(), std::span(&table, 1)));
    WINNOW_RETURN_IF_ERROR(table.Settle(store_));
  }
  next_to_settle_ = (next_to_settle_ + 1) % tables_.size();
  inserts_ = 0;
  return {};
}

Status HammingIndex::Append(std::uint32_t id, const Bits& bits) {
  WINNOW_RETURN_IF_ERROR(HoldEntry(id));
  if (pending_.size() >= WordTable::kMostToLoad) WINNOW_RETURN_IF_ERROR(LoadPending());
  store_.Put(id, bits);
  pending_.push_back(id);
  return {};
}

Status HammingIndex::Build() {
  WINNOW_RETURN_IF_ERROR(LoadPending());
  pending_.shrink_to_fit();
  return {};
}

Status HammingIndex::LoadPending() {
  if (size() <= options_.fewest_recent) {
    for (const std::uint32_t id : pending_) AddToTables(id);
    pending_.clear();
    return {};
  }
  std::vector<Posting> postings(pending_.size());
  WINNOW_RETURN_IF_ERROR(MakeRoomFor(postings.size(), tables_));
  for (std::size_t word = 0; word < tables_.size(); ++word) {
    for (std::size_t i = 0; i < postings.size(); ++i) {
      postings[i] = {Word(store_[pending_[i]], word), pending_[i]};
    }
    WINNOW_RETURN_IF_ERROR(tables_[word].Load(postings));
  }
  pending_.clear();
  return {};
}

bool HammingIndex::Erase(std::uint32_t id) {
  if (!store_.Erase(id)) return false;
  ++erasures_;
  SweepIfDue();
  return true;
}

void HammingIndex::SweepIfDue() {
  const std::size_t most = std::max(options_.fewest_recent, size() / kEntriesPerErasure);
  if (erasures_ < std::max<std::size_t>(1, most / tables_.size())) return;
  tables_[next_to_sweep_].Sweep(store_);
  next_to_sweep_ = (next_to_sweep_ + 1) % tables_.size();
  erasures_ = 0;
}

std::optional<Match> HammingIndex::FindNearest(const Bits& bits, int max_distance,
                                               const Accept& accept) const {
  WINNOW_CHECK(pending_.empty());
  Search search(bits, max_distance, store_, *options_.scan);
  search.LookAtEqual(tables_);
  if (const auto match = search.Nearest(0, kEqualDistance, accept)) return match;
  search.LookAtOneOff(tables_);
  return search.Nearest(kEqualDistance + 1, max_distance, accept);
}

std::vector<Match> HammingIndex::FindAll(const Bits& bits, int max_distance) const {
  WINNOW_CHECK(pending_.empty());
  Search search(bits, max_distance, store_, *options_.scan);
  search.LookAtEqual(tables_);
  search.LookAtOneOff(tables_);
  std::vector<Match> matches = search.Take();
  std::sort(matches.begin(), matches.end());
  return matches;
}

bool HammingIndex::Fits(std::size_t more_bytes) const {
  if (options_.memory_bytes == kUnlimited) return true;
  // The recent parts grow between two calls of this.
  const std::size_t soon = MostRecent() / tables_.size() * kRecentBytes + kRecentSlack;
  return MemoryBytes() + more_bytes + soon <= options_.memory_bytes;
}

Status HammingIndex::MakeRoomFor(std::size_t entries, std::span<const WordTable> tables) {
  const std::size_t settled = tables.size() * WordTable::SettledBytes(entries);
  std::size_t fronts = 0;
  for (const WordTable& table : tables) fronts += table.FrontBytes(entries);
  if (fronts > 0 && !Fits(settled + fronts)) WINNOW_RETURN_IF_ERROR(ForbidFronts());
  return SpillFor(settled);
}

Status HammingIndex::ForbidFronts() {
  for (WordTable& table : tables_) WINNOW_RETURN_IF_ERROR(table.ForbidFronts());
  return {};
}

Status HammingIndex::SpillFor(std::size_t more_bytes) {
  constexpr int kArrays = WordTable::kSpills * static_cast<int>(WordTable::kWords) + 1;
  while (spilled_ < kArrays && !Fits(more_bytes)) {
    if (tables_.back().fronts_allowed()) {
      WINNOW_RETURN_IF_ERROR(ForbidFronts());
      continue;
    }
    WINNOW_RETURN_IF_ERROR(SpillNext());
    ++spilled_;
  }
  return {};
}

// Ids are read for the few entries that pass the test on lanes, fingerprints for as many, but they
// are half as many bytes; lanes are scanned by the thousand.
Status HammingIndex::SpillNext() {
  constexpr int kTables = WordTable::kWords;
  const int ids = 2 * kTables;
  const std::string& directory = options_.spill_directory;
  if (spilled_ == ids) return store_.MoveToFile(directory);
  const int array = spilled_ < ids ? spilled_ : spilled_ - 1;
  WordTable& table = tables_[static_cast<std::size_t>(array % kTables)];
  return table.SpillArray(array / kTables).MoveToFile(directory);
}

std::size_t HammingIndex::MemoryBytes() const {
  std::size_t bytes = store_.MemoryBytes() + pending_.capacity() * sizeof(pending_[0]);
  for (const WordTable& table : tables_) bytes += table.MemoryBytes();
  return bytes;
}

std::size_t HammingIndex::DiskBytes() const {
  std::size_t bytes = store_.DiskBytes();
  for (const WordTable& table : tables_) bytes += table.DiskBytes();
  return bytes;
}

}  // namespace winnow::deduper
