// Which deferred images wait, in which order they are released and given up. Keys and figures only:
// the images themselves stay in state.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <tuple>

#include "services/balancer/census.h"

namespace winnow::balancer {

// One image in the reserve.
struct Held {
  std::uint64_t sequence = 0;  // of arrival; unique
  std::uint32_t rank = 0;      // quality, higher is better
  bool quota_reached = false;  // when it came; only a withdrawal makes room for it
  std::uint64_t bytes = 0;     // of the image
  Places places;
};

// Not thread-safe.
class Reserve {
 public:
  void Add(Held held);
  void Remove(std::uint64_t sequence);

  // Of those the census would admit now: the strata most in need, of these the best quality, of
  // these the earliest. Need before quality, because otherwise images that are good but common on
  // one axis use up what rare ones lack on another: on two crossed long tails it releases half as
  // many again (BalancerTest, BalancesSeveralAxesAtOnce).
  std::optional<std::uint64_t> BestAdmissible(const Census& census) const;

  // The first to give up: those whose quota is reached before the others, then the lowest quality,
  // then the latest. nullopt if empty.
  std::optional<std::uint64_t> Worst() const;

  bool Has(std::uint64_t sequence) const { return held_.count(sequence) != 0; }
  const Held& At(std::uint64_t sequence) const { return held_.at(sequence); }
  std::uint64_t images() const { return held_.size(); }
  std::uint64_t bytes() const { return bytes_; }

 private:
  // Best first.
  struct Order {
    std::uint32_t rank;
    std::uint64_t sequence;
    friend bool operator<(const Order& a, const Order& b) {
      return std::tuple(b.rank, a.sequence) < std::tuple(a.rank, b.sequence);
    }
  };
  // First to give up first.
  struct Expendability {
    bool quota_reached;
    Order order;
    friend bool operator<(const Expendability& a, const Expendability& b) {
      if (a.quota_reached != b.quota_reached) return a.quota_reached;
      return b.order < a.order;
    }
  };

  std::map<std::uint64_t, Held> held_;            // by sequence
  std::map<Places, std::set<Order>> by_strata_;   // images the census cannot tell apart
  std::map<Order, const Places*> heads_;          // the best of each, into by_strata_
  std::set<Expendability> expendable_;
  std::uint64_t bytes_ = 0;
};

}  // namespace winnow::balancer
