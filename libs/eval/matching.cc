#include "libs/eval/matching.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <set>
#include <utility>

#include "libs/image/fingerprint.h"

namespace winnow::eval {
namespace {

using MaybeFingerprint = std::optional<record::Fingerprint>;

bool Comparable(const MaybeFingerprint& fingerprint, const spec::DedupPolicy& policy) {
  return fingerprint && fingerprint->quality >= policy.min_quality;
}

// The seven turns of record::kAllTurns after kNone.
bool IsCompared(record::Turn turn, const spec::DedupPolicy& policy) {
  switch (turn) {
    case record::Turn::kNone: return true;
    case record::Turn::kMirrored: return policy.mirrored;
    case record::Turn::kRotated90:
    case record::Turn::kRotated180:
    case record::Turn::kRotated270: return policy.rotated;
    case record::Turn::kFlipped:
    case record::Turn::kTransposed:
    case record::Turn::kTransversed: return policy.mirrored && policy.rotated;
  }
  return false;
}

int Bits(const record::FingerprintBits& a, const record::FingerprintBits& b) {
  return image::HammingDistance({a}, {b});
}

// So that the examples show different cases: of two groups, or of two pictures without groups,
// only one pair.
std::pair<std::string, std::string> CaseOf(const LabelledSet& set, const PairOf& pair) {
  const auto name = [&](std::size_t i) {
    const LabelledPicture& picture = set.pictures[i];
    return picture.group.empty() ? picture.file : picture.group;
  };
  const std::string a = name(pair.a), b = name(pair.b);
  return a == b ? std::pair(a, set.pictures[pair.b].transform) : std::pair(a, b);
}

template <class Before>
void KeepFirst(const LabelledSet& set, std::vector<PairOf>& pairs, std::size_t count,
               Before before) {
  std::stable_sort(pairs.begin(), pairs.end(), before);
  std::set<std::pair<std::string, std::string>> seen;
  std::vector<PairOf> kept;
  for (const PairOf& pair : pairs) {
    if (kept.size() == count) break;
    if (seen.insert(CaseOf(set, pair)).second) kept.push_back(pair);
  }
  pairs = std::move(kept);
}

}  // namespace

std::optional<int> DistanceOf(const MaybeFingerprint& a, const MaybeFingerprint& b,
                              const spec::DedupPolicy& policy) {
  if (!Comparable(a, policy) || !Comparable(b, policy)) return std::nullopt;
  int distance = Bits(a->bits, b->bits);
  for (std::size_t i = 0; i < a->turned.size(); ++i) {
    if (!IsCompared(record::kAllTurns[i + 1], policy)) continue;
    distance = std::min(distance, Bits(a->turned[i], b->bits));
  }
  return distance;
}

void Distances::Add(std::optional<int> distance) {
  ++pairs_;
  if (distance) {
    ++at_[static_cast<std::size_t>(*distance)];
  } else {
    ++not_compared_;
  }
}

std::uint64_t Distances::Within(int distance) const {
  return std::accumulate(at_.begin(), at_.begin() + distance + 1, std::uint64_t{0});
}

double Distances::ShareWithin(int distance) const {
  return pairs_ == 0 ? 1 : static_cast<double>(Within(distance)) / static_cast<double>(pairs_);
}

std::optional<int> Distances::Median() const {
  const std::uint64_t compared = pairs_ - not_compared_;
  if (compared == 0) return std::nullopt;
  int distance = 0;
  while (Within(distance) * 2 < compared) ++distance;
  return distance;
}

std::optional<int> Distances::Largest() const {
  const auto last = std::find_if(at_.rbegin(), at_.rend(), [](auto count) { return count > 0; });
  if (last == at_.rend()) return std::nullopt;
  return static_cast<int>(at_.rend() - last) - 1;
}

std::optional<double> Scores::Precision(int distance) const {
  const auto right = static_cast<double>(copies.Within(distance));
  const auto wrong = static_cast<double>(different.Within(distance));
  if (right + wrong == 0) return std::nullopt;
  return right / (right + wrong);
}

Matched MatchAll(const LabelledSet& set, const Fingerprints& fingerprints,
                 const spec::DedupPolicy& policy, std::size_t examples) {
  Matched matched;
  const auto threshold = static_cast<int>(policy.max_distance);
  for (std::size_t a = 0; a < set.pictures.size(); ++a) {
    for (std::size_t b = a + 1; b < set.pictures.size(); ++b) {
      const Relation relation = set.Between(a, b);
      if (relation == Relation::kUnknown) continue;
      const std::optional<int> distance = DistanceOf(fingerprints[a], fingerprints[b], policy);
      const bool copies = relation == Relation::kCopies;
      (copies ? matched.scores.copies : matched.scores.different).Add(distance);
      if (!distance) continue;
      if (copies && *distance > threshold) matched.missed.push_back({a, b, *distance});
      if (!copies && *distance <= threshold) matched.wrong.push_back({a, b, *distance});
    }
  }
  KeepFirst(set, matched.wrong, examples,
            [](const PairOf& x, const PairOf& y) { return x.distance < y.distance; });
  KeepFirst(set, matched.missed, examples,
            [](const PairOf& x, const PairOf& y) { return x.distance > y.distance; });
  return matched;
}

std::vector<TransformScores> MatchByTransform(const LabelledSet& set,
                                              const Fingerprints& fingerprints,
                                              const spec::DedupPolicy& policy) {
  std::vector<TransformScores> all;
  std::map<std::pair<std::string, std::string>, std::size_t> index;
  for (std::size_t b = 0; b < set.pictures.size(); ++b) {
    const LabelledPicture& made = set.pictures[b];
    if (made.original || made.transform.empty()) continue;
    const auto [at, fresh] = index.try_emplace({made.transform, made.strength}, all.size());
    if (fresh) all.push_back({made.transform, made.strength, {}});
    Scores& scores = all[at->second].scores;
    for (std::size_t a = 0; a < set.pictures.size(); ++a) {
      if (!set.pictures[a].original) continue;
      const bool copies = set.Between(a, b) == Relation::kCopies;
      (copies ? scores.copies : scores.different)
          .Add(DistanceOf(fingerprints[a], fingerprints[b], policy));
    }
  }
  return all;
}

StreamScores ScoreStream(const LabelledSet& set, const std::vector<Fate>& fates) {
  StreamScores scores;
  std::vector<std::size_t> kept;
  for (std::size_t i = 0; i < fates.size(); ++i) {
    ++scores.received;
    switch (fates[i].kind) {
      case Fate::Kind::kUnread: ++scores.unread; break;
      case Fate::Kind::kKept:
        ++scores.kept;
        scores.missed += std::any_of(kept.begin(), kept.end(), [&](std::size_t before) {
          return set.Between(before, i) == Relation::kCopies;
        });
        kept.push_back(i);
        break;
      case Fate::Kind::kDropped:
        switch (set.Between(fates[i].of, i)) {
          case Relation::kCopies: ++scores.dropped_right; break;
          case Relation::kDifferent: ++scores.dropped_wrong; break;
          case Relation::kUnknown: ++scores.dropped_unlabelled; break;
        }
        break;
    }
  }
  return scores;
}

}  // namespace winnow::eval
