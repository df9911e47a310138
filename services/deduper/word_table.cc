#include "services/deduper/word_table.h"

#include <algorithm>

#include "libs/base/check.h"

namespace winnow::deduper {
namespace {

// Each search scans the list of the newest, and each merge of it moves the recent part: at this
// share of it the two cost about the same (measured at 1 million entries).
constexpr std::size_t kFewestToMerge = 256;
constexpr std::size_t kRecentPerNewest = 16;

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
  for (Recent& table : recent_) {
    // Always in memory; lack of that ends the process, as everywhere.
    WINNOW_CHECK(table.Reserve(postings.size()));
    table.Merge(postings);
  }
  newest_ = 0;
}

Status WordTable::Settle(const FingerprintStore& store) {
  std::vector<Posting> postings;
  postings.reserve(recent());
  const auto add = [&](std::uint32_t word, std::uint32_t id) {
    if (store.Contains(id)) postings.push_back({word, id});
  };
  recent_[0].ForEach(add);  // not rotated: its lanes are the words
  for (std::size_t i = 0; i < newest_; ++i) add(newest_words_[i], newest_ids_[i]);
  WINNOW_RETURN_IF_ERROR(Load(postings));
  for (Recent& table : recent_) table.Clear();
  newest_ = 0;
  return {};
}

Status WordTable::Load(std::span<const Posting> postings) {
  WINNOW_RETURN_IF_ERROR(low_.Reserve(postings.size()));
  WINNOW_RETURN_IF_ERROR(high_.Reserve(postings.size()));
  low_.Merge(postings);
  high_.Merge(postings);
  return {};
}

void WordTable::Sweep(const FingerprintStore& store) {
  const auto dead = [&](std::uint32_t id) { return !store.Contains(id); };
  low_.RemoveIf(dead);
  high_.RemoveIf(dead);
}

void WordTable::AddRecent(std::uint32_t word, int errors, RecentRanges& ranges) const {
  for (const Recent& table : recent_) ranges.Add(table.Find(word, 0, errors));
  ranges.Add({newest_words_.data(), newest_ids_.data(), static_cast<std::uint32_t>(newest_), word,
              static_cast<std::uint16_t>(errors)});
}

void WordTable::AddEqual(std::uint32_t word, int errors, SettledRanges& ranges) const {
  ranges.Add(low_.Find(word, 0, errors));
  ranges.Add(high_.Find(word, 0, errors));
}

void WordTable::AddOneOff(std::uint32_t word, int errors, SettledRanges& ranges) const {
  for (int bit = 0; bit < 16; ++bit) ranges.Add(low_.Find(word, 1u << bit, errors - 1));
  for (int bit = 0; bit < 16; ++bit) ranges.Add(high_.Find(word, 1u << bit, errors - 1));
}

void WordTable::PrefetchOneOff(std::uint32_t word) const {
  low_.PrefetchNeighbours(word);
  high_.PrefetchNeighbours(word);
}

GrowingMemory& WordTable::SpillArray(int i) {
  if (i < 2) return (i == 0 ? low_ : high_).id_memory();
  return (i == 2 ? low_ : high_).lane_memory();
}

std::size_t WordTable::MemoryBytes() const {
  std::size_t bytes = low_.MemoryBytes() + high_.MemoryBytes() +
                      (newest_words_.capacity() + newest_ids_.capacity()) * sizeof(std::uint32_t);
  for (const Recent& table : recent_) bytes += table.MemoryBytes();
  return bytes;
}

}  // namespace winnow::deduper
