#include "services/deduper/hamming_index.h"

#include <algorithm>
#include <bit>

#include "libs/base/check.h"

namespace winnow::deduper {
namespace {

std::uint16_t Band(const HammingIndex::Bits& bits, int band) {
  return static_cast<std::uint16_t>(bits[static_cast<std::size_t>(band / 4)] >> (16 * (band % 4)));
}

std::uint16_t Partner(const HammingIndex::Bits& bits, int band) { return Band(bits, band ^ 1); }

// Clears the lowest set bit `limit` times instead of counting: no popcount instruction needed, and
// the compiler turns the loop over a line into vector code.
bool AtMost(std::uint16_t bits, int limit) {
  for (int i = 0; i < limit; ++i) bits = static_cast<std::uint16_t>(bits & (bits - 1));
  return bits == 0;
}

}  // namespace

int HammingDistance(const HammingIndex::Bits& a, const HammingIndex::Bits& b) {
  int distance = 0;
  for (std::size_t i = 0; i < a.size(); ++i) distance += std::popcount(a[i] ^ b[i]);
  return distance;
}

HammingIndex::HammingIndex() : heads_(kBands * kBuckets, kNone) {}

std::uint32_t HammingIndex::AllocateLine() {
  std::uint32_t line = free_line_;
  if (line != kNone) {
    free_line_ = lines_[line].next;
  } else {
    line = used_lines_++;
    WINNOW_CHECK(line != kNone);
    lines_.GrowTo(used_lines_);
  }
  lines_[line].ids.fill(kNone);
  return line;
}

void HammingIndex::AddPosting(int band, std::uint32_t id, const Bits& bits) {
  std::uint32_t& head = Head(band, Band(bits, band));
  if (head == kNone || lines_[head].ids.back() != kNone) {
    const std::uint32_t line = AllocateLine();
    lines_[line].next = head;
    head = line;
  }
  Line& line = lines_[head];
  const auto place = std::find(line.ids.begin(), line.ids.end(), kNone) - line.ids.begin();
  line.ids[static_cast<std::size_t>(place)] = id;
  line.partners[static_cast<std::size_t>(place)] = Partner(bits, band);
}

void HammingIndex::RemovePosting(int band, std::uint32_t id, const Bits& bits) {
  std::uint32_t& head = Head(band, Band(bits, band));
  std::uint32_t at = head;
  std::size_t place = Line::kPlaces;
  for (; at != kNone; at = lines_[at].next) {
    const auto& ids = lines_[at].ids;
    place = static_cast<std::size_t>(std::find(ids.begin(), ids.end(), id) - ids.begin());
    if (place < Line::kPlaces) break;
  }
  WINNOW_CHECK(at != kNone);
  // The last posting of the first line takes the place, so that only that line has free ones.
  Line& first = lines_[head];
  std::size_t last = Line::kPlaces - 1;
  while (first.ids[last] == kNone) --last;
  lines_[at].ids[place] = first.ids[last];
  lines_[at].partners[place] = first.partners[last];
  first.ids[last] = kNone;
  if (last == 0) {
    const std::uint32_t emptied = head;
    head = first.next;
    first.next = free_line_;
    free_line_ = emptied;
  }
}

Status HammingIndex::Insert(std::uint32_t id, const Bits& bits) {
  WINNOW_CHECK(id != kNone);
  if (present_.size() <= id) present_.resize(std::size_t{id} + 1);
  WINNOW_CHECK(!present_[id]);
  bits_.GrowTo(std::size_t{id} + 1);
  bits_[id] = bits;
  present_[id] = true;
  ++size_;
  for (int band = 0; band < kBands; ++band) AddPosting(band, id, bits);
  return {};
}

bool HammingIndex::Erase(std::uint32_t id) {
  if (id >= present_.size() || !present_[id]) return false;
  for (int band = 0; band < kBands; ++band) RemovePosting(band, id, bits_[id]);
  present_[id] = false;
  --size_;
  return true;
}

std::size_t HammingIndex::OpenLists(const Bits& bits, int max_distance, Cursors& cursors) const {
  // Some pair of bands differs by at most an eighth of the distance, rounded down, and the better
  // band of that pair by at most half of it.
  const int pair_errors = max_distance / (kBands / 2);
  const int probes = pair_errors >= 2 ? kProbes : 1;
  std::size_t open = 0;
  for (int band = 0; band < kBands; ++band) {
    const std::uint32_t* heads = &heads_[static_cast<std::size_t>(band) * kBuckets];
    for (int probe = 0; probe < probes; ++probe) {
      const std::uint32_t flip = probe == 0 ? 0u : 1u << (probe - 1);
      const std::uint32_t line = heads[Band(bits, band) ^ flip];
      if (line == kNone) continue;
      __builtin_prefetch(&lines_[line]);
      const int limit = probe == 0 ? pair_errors : pair_errors - 1;
      cursors[open++] = {line, Partner(bits, band), static_cast<std::uint16_t>(limit)};
    }
  }
  return open;
}

void HammingIndex::CollectCandidates(const Line& line, const Cursor& cursor,
                                     std::vector<std::uint32_t>& candidates) const {
  for (std::size_t place = 0; place < Line::kPlaces; ++place) {
    const auto difference = static_cast<std::uint16_t>(line.partners[place] ^ cursor.partner);
    if (!AtMost(difference, cursor.limit) || line.ids[place] == kNone) continue;
    __builtin_prefetch(&bits_[line.ids[place]]);
    candidates.push_back(line.ids[place]);
  }
}

std::vector<std::uint32_t> HammingIndex::Candidates(const Bits& bits, int max_distance) const {
  Cursors cursors;
  std::size_t open = OpenLists(bits, max_distance, cursors);
  std::vector<std::uint32_t> candidates;
  // All lists advance together, a line each: the cache misses of one round overlap.
  while (open > 0) {
    std::size_t still_open = 0;
    for (std::size_t i = 0; i < open; ++i) {
      const Line& line = lines_[cursors[i].line];
      CollectCandidates(line, cursors[i], candidates);
      if (line.next == kNone) continue;
      __builtin_prefetch(&lines_[line.next]);
      cursors[still_open++] = {line.next, cursors[i].partner, cursors[i].limit};
    }
    open = still_open;
  }
  return candidates;
}

std::optional<HammingIndex::Match> HammingIndex::FindNearest(const Bits& bits,
                                                             int max_distance, const std::function<bool(std::uint32_t)>& accept) const {
  WINNOW_CHECK(max_distance >= 0 && max_distance <= kMaxDistance);
  std::optional<Match> nearest;
  for (const std::uint32_t id : Candidates(bits, max_distance)) {
    const int distance = HammingDistance(bits, bits_[id]);
    if (distance > max_distance || (accept && !accept(id))) continue;
    if (!nearest || distance < nearest->distance ||
        (distance == nearest->distance && id < nearest->id)) {
      nearest = Match{id, distance};
    }
  }
  return nearest;
}

std::vector<HammingIndex::Match> HammingIndex::FindAll(const Bits& bits, int max_distance) const {
  WINNOW_CHECK(max_distance >= 0 && max_distance <= kMaxDistance);
  std::vector<Match> matches;
  for (const std::uint32_t id : Candidates(bits, max_distance)) {
    const int distance = HammingDistance(bits, bits_[id]);
    if (distance <= max_distance) matches.push_back({id, distance});
  }
  std::sort(matches.begin(), matches.end());
  matches.erase(std::unique(matches.begin(), matches.end()), matches.end());
  return matches;
}

std::size_t HammingIndex::MemoryBytes() const {
  return heads_.capacity() * sizeof(heads_[0]) + lines_.size() * sizeof(Line) +
         bits_.size() * sizeof(Bits) + present_.capacity() / 8;
}

}  // namespace winnow::deduper
