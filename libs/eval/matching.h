// How well fingerprints tell copies from other pictures: pure functions over values.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "libs/eval/labelled_set.h"
#include "libs/record/image_record.h"
#include "libs/spec/spec.h"

namespace winnow::eval {

inline constexpr int kBits = 256;

// What was found out about one picture of a set. Nothing: it could not be read.
using Fingerprints = std::vector<std::optional<record::Fingerprint>>;

// Bits between two pictures as the deduper counts them, the nearest of the turns that the policy
// compares; nullopt if either is unread or of too low quality to be compared.
std::optional<int> DistanceOf(const std::optional<record::Fingerprint>& a,
                              const std::optional<record::Fingerprint>& b,
                              const spec::DedupPolicy& policy);

// Pairs of one relation by their distance.
class Distances {
 public:
  void Add(std::optional<int> distance);

  std::uint64_t pairs() const { return pairs_; }        // compared or not
  std::uint64_t not_compared() const { return not_compared_; }
  std::uint64_t Within(int distance) const;
  // Share of all pairs, those that were not compared included: they are not found, either. 1 of 0.
  double ShareWithin(int distance) const;
  // Of the pairs that were compared; nullopt if there is none.
  std::optional<int> Median() const;
  std::optional<int> Largest() const;

 private:
  std::array<std::uint64_t, kBits + 1> at_{};
  std::uint64_t pairs_ = 0;
  std::uint64_t not_compared_ = 0;
};

struct Scores {
  Distances copies;     // pairs labelled as copies
  Distances different;  // pairs labelled as different pictures

  // Share of copies among the pairs within `distance`; nullopt if there are none.
  std::optional<double> Precision(int distance) const;
  double Recall(int distance) const { return copies.ShareWithin(distance); }
};

// Two pictures of a set, by index.
struct PairOf {
  std::size_t a = 0;
  std::size_t b = 0;
  int distance = 0;
};

struct Matched {
  Scores scores;                // over all labelled pairs
  std::vector<PairOf> wrong;    // different pictures within the threshold, nearest first
  std::vector<PairOf> missed;   // copies beyond it, farthest first
};

// Every pair of the set. Keeps at most `examples` of wrong and of missed pairs, of any two pictures
// or groups only the first pair.
Matched MatchAll(const LabelledSet& set, const Fingerprints& fingerprints,
                 const spec::DedupPolicy& policy, std::size_t examples);

// What one transform does to recall: originals against what was made of them, and against what was
// made of others.
struct TransformScores {
  std::string transform;
  std::string strength;
  Scores scores;
};

// In the order in which transforms first occur in the set; none if it does not name any.
std::vector<TransformScores> MatchByTransform(const LabelledSet& set,
                                              const Fingerprints& fingerprints,
                                              const spec::DedupPolicy& policy);

// What the deduper did with a set that came in in its order.
struct Fate {
  enum class Kind { kUnread, kKept, kDropped };
  Kind kind = Kind::kUnread;
  std::size_t of = 0;  // dropped: the picture it was held to repeat
};

struct StreamScores {
  std::uint64_t received = 0;
  std::uint64_t unread = 0;
  std::uint64_t kept = 0;
  std::uint64_t dropped_right = 0;
  std::uint64_t dropped_wrong = 0;      // it was another picture
  std::uint64_t dropped_unlabelled = 0;  // nobody said
  std::uint64_t missed = 0;  // kept, although a copy of it had been kept before
};

StreamScores ScoreStream(const LabelledSet& set, const std::vector<Fate>& fates);

}  // namespace winnow::eval
