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

std::uint32_t* IdsIn(GrowingMemory& memory) {
  return reinterpret_cast<std::uint32_t*>(memory.data());
}
const std::uint32_t* IdsIn(const GrowingMemory& memory) {
  return reinterpret_cast<const std::uint32_t*>(memory.data());
}

Status ResizeIds(GrowingMemory& memory, std::size_t count) {
  return memory.Resize(count * sizeof(std::uint32_t));
}

// Puts words into a table and, if there are any, ids into their array. Both have room.
void Merge(std::span<const Posting> postings, LaneTable& table, std::uint32_t* ids) {
  const std::vector<Posting> sorted =
      SortedByKey(postings, LaneTable::kKeys,
                  [&](const Posting& posting) { return table.KeyOf(posting.word); });
  std::vector<std::uint32_t> words(sorted.size());
  for (std::size_t i = 0; i < sorted.size(); ++i) words[i] = sorted[i].word;
  const std::vector<Growth> growths = table.GrowthsBy(words);
  if (ids != nullptr) {
    Widen<std::uint32_t>(ids, table.size(), growths);
    std::uint32_t by = 0;
    for (const Growth& growth : growths) {
      for (std::uint32_t i = 0; i < growth.count; ++i, ++by) ids[growth.end + by] = sorted[by].id;
    }
  }
  table.Merge(words, growths);
}

// Drops the words, with their ids, of entries that are no more in `store`, and returns them.
std::vector<std::uint32_t> SweepById(LaneTable& table, GrowingMemory& memory,
                                     const FingerprintStore& store) {
  std::vector<std::uint32_t> dropped;
  std::uint32_t* const ids = IdsIn(memory);
  std::uint32_t at = 0;
  std::uint32_t kept = 0;
  table.Retain([&](std::uint32_t key, std::uint16_t lane) {
    const std::uint32_t id = ids[at++];
    if (!store.Contains(id)) {
      dropped.push_back(table.WordOf(key, lane));
      return false;
    }
    ids[kept++] = id;
    return true;
  });
  WINNOW_CHECK(ResizeIds(memory, kept));
  return dropped;
}

// Drops each of these words once.
void SweepByWord(LaneTable& table, std::span<const std::uint32_t> words) {
  const std::vector<std::uint32_t> sorted = SortedByKey(
      words, LaneTable::kKeys, [&](std::uint32_t word) { return table.KeyOf(word); });
  std::vector<std::uint32_t> to_drop(LaneTable::kKeys);  // by lane, of the words up to `next`
  auto next = sorted.begin();
  table.Retain([&](std::uint32_t key, std::uint16_t lane) {
    for (; next != sorted.end() && table.KeyOf(*next) == key; ++next) {
      ++to_drop[table.LaneOf(*next)];
    }
    if (to_drop[lane] == 0) return true;
    --to_drop[lane];
    return false;
  });
}

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
  WINNOW_RETURN_IF_ERROR(high_.MakeFronts());
  high_has_ids_ = false;
  high_ids_ = GrowingMemory();
  return {};
}

Status WordTable::DropFronts() {
  WINNOW_RETURN_IF_ERROR(low_.DropFronts());
  return high_has_ids_ ? high_.DropFronts() : RebuildHigh();
}

// From what is known by low halves, without fronts.
Status WordTable::RebuildHigh() {
  LaneTable high(16);
  GrowingMemory ids;
  WINNOW_RETURN_IF_ERROR(high.Reserve(low_.size()));
  WINNOW_RETURN_IF_ERROR(ResizeIds(ids, low_.size()));
  std::vector<Posting> postings;
  const auto merge = [&] {
    Merge(postings, high, IdsIn(ids));
    postings.clear();
    return high.Reserve(low_.size() - high.size());
  };
  for (std::uint32_t key = 0; key < LaneTable::kKeys; ++key) {
    for (std::uint32_t i = 0; i < low_.Count(key); ++i) {
      postings.push_back({low_.WordOf(key, low_.Lane(key, i)),
                          IdsIn(low_ids_)[low_.Begin(key) + i]});
      if (postings.size() == kMostToLoad) WINNOW_RETURN_IF_ERROR(merge());
    }
  }
  WINNOW_RETURN_IF_ERROR(merge());
  high_ = std::move(high);
  high_ids_ = std::move(ids);
  high_has_ids_ = true;
  return {};
}

Status WordTable::ForbidFronts() {
  WINNOW_RETURN_IF_ERROR(DropFronts());
  fronts_allowed_ = false;
  return {};
}

Status WordTable::Load(std::span<const Posting> postings) {
  if (!WantsFronts(postings.size())) {
    WINNOW_RETURN_IF_ERROR(DropFronts());
  } else if (!low_.has_fronts()) {
    WINNOW_RETURN_IF_ERROR(MakeFronts());
  }
  const std::size_t size = low_.size() + postings.size();
  WINNOW_RETURN_IF_ERROR(low_.Reserve(postings.size()));
  WINNOW_RETURN_IF_ERROR(high_.Reserve(postings.size()));
  WINNOW_RETURN_IF_ERROR(ResizeIds(low_ids_, size));
  if (high_has_ids_) WINNOW_RETURN_IF_ERROR(ResizeIds(high_ids_, size));
  Merge(postings, low_, IdsIn(low_ids_));
  Merge(postings, high_, high_has_ids_ ? IdsIn(high_ids_) : nullptr);
  return {};
}

void WordTable::Sweep(const FingerprintStore& store) {
  const std::vector<std::uint32_t> dropped = SweepById(low_, low_ids_, store);
  if (high_has_ids_) {
    SweepById(high_, high_ids_, store);
  } else {
    SweepByWord(high_, dropped);
  }
  WINNOW_CHECK(high_.size() == low_.size());
  // Lack of memory for what is smaller than the fronts ends the process, as everywhere.
  if (low_.size() < fewest_for_fronts_ / 2) WINNOW_CHECK(DropFronts());
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

void WordTable::FetchSettledId(const ScanHits::Hit& hit) const {
  TableOf(hit).FetchBegin(KeyOf(hit));
}

const std::uint32_t* WordTable::SettledId(const ScanHits::Hit& hit) const {
  const GrowingMemory& ids = HalfOf(hit) == 0 ? low_ids_ : high_ids_;
  return IdsIn(ids) + TableOf(hit).Begin(KeyOf(hit)) + hit.index;
}

std::uint32_t WordTable::SettledWord(const ScanHits::Hit& hit) const {
  const std::uint32_t key = KeyOf(hit);
  return TableOf(hit).WordOf(key, TableOf(hit).Lane(key, hit.index));
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
  if (i < 2) return i == 0 ? low_ids_ : high_ids_;
  return (i == 2 ? low_ : high_).lane_memory();
}

std::size_t WordTable::MemoryBytes() const {
  std::size_t bytes = low_.MemoryBytes() + high_.MemoryBytes() + low_ids_.MemoryBytes() +
                      high_ids_.MemoryBytes() +
                      (newest_words_.capacity() + newest_ids_.capacity()) * sizeof(std::uint32_t);
  for (const RecentTable& table : recent_) bytes += table.MemoryBytes();
  return bytes;
}

}  // namespace winnow::deduper
