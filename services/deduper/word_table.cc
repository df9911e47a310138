#include "services/deduper/word_table.h"

#include <algorithm>

#include "libs/base/check.h"

namespace winnow::deduper {
namespace {

// Each search scans the list of the newest, and each merge of it moves the recent part: at this
// share of it the two cost about the same (measured at 1 million entries).
constexpr std::size_t kFewestToMerge = 256;
constexpr std::size_t kRecentPerNewest = 16;

constexpr std::uint32_t kNewestPart = 4;  // after those by bytes 0 to 3

std::uint32_t PartOf(const ScanHits::Hit& hit) { return hit.origin & 0x7; }
std::uint32_t KeyOf(const ScanHits::Hit& hit) { return hit.origin & 0xffff; }

}  // namespace

void WordTable::Insert(const Posting& posting) {
  MakeRoomForNewest();
  newest_words_[newest_] = posting.word;
  newest_ids_[newest_] = posting.id;
  ++newest_;
}

void WordTable::MakeRoomForNewest() {
  constexpr std::size_t kPadding = GrowingMemory::kPadding / sizeof(std::uint32_t);
  const std::size_t most = std::max(kFewestToMerge, recent_[0].size() / kRecentPerNewest);
  if (newest_ >= most) MergeNewest();
  if (newest_ + kPadding < newest_words_.size()) return;
  newest_words_.resize(most + kPadding);
  newest_ids_.resize(most);
}

void WordTable::MergeNewest() {
  std::vector<Posting> postings(newest_);
  for (std::size_t i = 0; i < newest_; ++i) postings[i] = {newest_words_[i], newest_ids_[i]};
  for (RecentTable& table : recent_) table.Merge(postings);
  newest_ = 0;
}

Status WordTable::Settle(const FingerprintStore& store) {
  std::vector<Posting> postings;
  postings.reserve(recent());
  const auto add = [&](std::uint32_t word, std::uint32_t id) {
    if (store.Contains(id)) postings.push_back({word, id});
  };
  recent_[0].ForEach(add);
  for (std::size_t i = 0; i < newest_; ++i) add(newest_words_[i], newest_ids_[i]);
  WINNOW_RETURN_IF_ERROR(Load(postings));
  for (RecentTable& table : recent_) table.Clear();
  newest_ = 0;
  return {};
}

Status WordTable::MakeFronts() {
  WINNOW_RETURN_IF_ERROR(low_.MakeFronts());
  const Status made = high_.MakeFronts();
  if (!made) WINNOW_CHECK(low_.DropFronts());
  return made;
}

Status WordTable::ForbidFronts() {
  WINNOW_RETURN_IF_ERROR(low_.DropFronts());
  WINNOW_RETURN_IF_ERROR(high_.DropFronts());
  fronts_allowed_ = false;
  return {};
}

Status WordTable::Load(std::span<const Posting> postings) {
  if (WantsFronts(postings.size()) && !low_.has_fronts()) WINNOW_RETURN_IF_ERROR(MakeFronts());
  WINNOW_RETURN_IF_ERROR(low_.Reserve(postings.size()));
  WINNOW_RETURN_IF_ERROR(high_.Reserve(postings.size()));
  const std::uint32_t before = low_.size();
  WINNOW_RETURN_IF_ERROR(ResizeIds(before + postings.size()));
  const std::vector<Posting> sorted =
      SortedByKey(postings, LaneTable::kKeys,
                  [&](const Posting& posting) { return low_.KeyOf(posting.word); });
  std::vector<std::uint32_t> words(sorted.size());
  std::vector<Growth> growths;
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    words[i] = sorted[i].word;
    const std::uint32_t key = low_.KeyOf(words[i]);
    if (growths.empty() || growths.back().key != key) {
      growths.push_back({key, low_.Begin(key) + low_.Count(key), 0});
    }
    ++growths.back().count;
  }
  Widen(ids(), before, growths);
  std::uint32_t by = 0;
  for (const Growth& growth : growths) {
    for (std::uint32_t i = 0; i < growth.count; ++i, ++by) {
      ids()[growth.end + by] = sorted[by].id;
    }
  }
  low_.Merge(words);
  high_.Merge(SortedByKey<std::uint32_t>(
      words, LaneTable::kKeys, [&](std::uint32_t word) { return high_.KeyOf(word); }));
  return {};
}

void WordTable::Sweep(const FingerprintStore& store) {
  std::vector<std::uint32_t> dropped;
  std::uint32_t at = 0;
  std::uint32_t kept = 0;
  low_.Retain([&](std::uint32_t key, std::uint16_t lane) {
    const std::uint32_t id = ids()[at++];
    if (!store.Contains(id)) {
      dropped.push_back(low_.WordOf(key, lane));
      return false;
    }
    ids()[kept++] = id;
    return true;
  });
  WINNOW_CHECK(ResizeIds(kept));
  // As often as a word was dropped there, one like it goes here.
  dropped = SortedByKey<std::uint32_t>(
      dropped, LaneTable::kKeys, [&](std::uint32_t word) { return high_.KeyOf(word); });
  std::vector<std::uint32_t> to_drop(LaneTable::kKeys);  // by lane, of the words up to `next`
  auto next = dropped.begin();
  high_.Retain([&](std::uint32_t key, std::uint16_t lane) {
    for (; next != dropped.end() && high_.KeyOf(*next) == key; ++next) {
      ++to_drop[high_.LaneOf(*next)];
    }
    if (to_drop[lane] == 0) return true;
    --to_drop[lane];
    return false;
  });
  WINNOW_CHECK(high_.size() == low_.size());
  if (low_.size() >= fewest_for_fronts_ / 2) return;
  // Lack of memory for what is smaller than the fronts ends the process, as everywhere.
  WINNOW_CHECK(low_.DropFronts());
  WINNOW_CHECK(high_.DropFronts());
}

void WordTable::AddRecent(std::uint32_t word, int errors, RecentRanges& ranges) const {
  for (std::uint32_t part = 0; part < recent_.size(); ++part) {
    const auto range = recent_[part].Find(word, errors, RecentOrigin(part));
    ranges.Fetch(range);
    ranges.Add(range);
  }
  const ScanRange<std::uint32_t> newest = {.lanes = newest_words_.data(),
                                           .count = static_cast<std::uint32_t>(newest_),
                                           .origin = RecentOrigin(kNewestPart),
                                           .value = word,
                                           .limit = static_cast<std::uint16_t>(errors)};
  ranges.Fetch(newest);
  ranges.Add(newest);
}

void WordTable::FetchEqual(std::uint32_t word) const {
  if (low_.size() == 0) return;
  low_.Fetch(low_.KeyOf(word));
  high_.Fetch(high_.KeyOf(word));
}

void WordTable::AddEqual(std::uint32_t word, int errors, EqualRanges& ranges) const {
  if (low_.size() == 0) return;
  for (std::uint32_t half = 0; half < 2; ++half) {
    const LaneTable& table = half == 0 ? low_ : high_;
    const std::uint32_t key = table.KeyOf(word);
    table.AddRange(key, table.LaneOf(word), errors, SettledOrigin(half, key), ranges);
  }
}

void WordTable::FetchOneOff(std::uint32_t word) const {
  if (low_.size() == 0) return;
  for (const LaneTable* table : {&low_, &high_}) {
    const std::uint32_t key = table->KeyOf(word);
    for (int bit = 0; bit < 16; ++bit) table->Fetch(key ^ (1u << bit));
  }
}

void WordTable::AddOneOff(std::uint32_t word, int errors, OneOffRanges& ranges) const {
  if (low_.size() == 0) return;
  for (std::uint32_t half = 0; half < 2; ++half) {
    const LaneTable& table = half == 0 ? low_ : high_;
    for (int bit = 0; bit < 16; ++bit) {
      const std::uint32_t key = table.KeyOf(word) ^ (1u << bit);
      table.AddRange(key, table.LaneOf(word), errors - 1, SettledOrigin(half, key), ranges);
    }
  }
}

const std::uint32_t* WordTable::RecentId(const ScanHits::Hit& hit) const {
  const std::uint32_t part = PartOf(hit);
  if (part == kNewestPart) return newest_ids_.data() + hit.index;
  return recent_[part].IdAt(hit.index);
}

void WordTable::FetchSettledId(const ScanHits::Hit& hit) const { low_.FetchBegin(KeyOf(hit)); }

const std::uint32_t* WordTable::SettledId(const ScanHits::Hit& hit) const {
  return ids() + low_.Begin(KeyOf(hit)) + hit.index;
}

std::uint32_t WordTable::SettledWord(const ScanHits::Hit& hit) const {
  const std::uint32_t key = KeyOf(hit);
  return high_.WordOf(key, high_.Lane(key, hit.index));
}

void WordTable::FetchSame(std::uint32_t word) const {
  low_.Fetch(low_.KeyOf(word));
  low_.FetchBegin(low_.KeyOf(word));
}

void WordTable::AddSame(std::uint32_t word, SameRanges& ranges) const {
  const std::uint32_t key = low_.KeyOf(word);
  low_.AddRange(key, low_.LaneOf(word), 0, SettledOrigin(0, key), ranges);
}

GrowingMemory& WordTable::SpillArray(int i) {
  if (i == 0) return ids_;
  return (i == 1 ? low_ : high_).lane_memory();
}

std::size_t WordTable::MemoryBytes() const {
  std::size_t bytes = low_.MemoryBytes() + high_.MemoryBytes() + ids_.MemoryBytes() +
                      (newest_words_.capacity() + newest_ids_.capacity()) * sizeof(std::uint32_t);
  for (const RecentTable& table : recent_) bytes += table.MemoryBytes();
  return bytes;
}

}  // namespace winnow::deduper
