#include "services/balancer/reserve.h"

#include <utility>

namespace winnow::balancer {

void Reserve::Add(Held held) {
  const Order order = {held.rank, held.sequence};
  const auto group = by_strata_.try_emplace(held.places).first;
  std::set<Order>& members = group->second;
  if (!members.empty()) heads_.erase(*members.begin());
  members.insert(order);
  heads_.emplace(*members.begin(), &group->first);
  expendable_.insert({held.quota_reached, order});
  bytes_ += held.bytes;
  const std::uint64_t sequence = held.sequence;
  held_.emplace(sequence, std::move(held));
}

void Reserve::Remove(std::uint64_t sequence) {
  const auto entry = held_.find(sequence);
  const Held& held = entry->second;
  const Order order = {held.rank, held.sequence};
  const auto group = by_strata_.find(held.places);
  std::set<Order>& members = group->second;
  heads_.erase(*members.begin());
  members.erase(order);
  if (members.empty()) {
    by_strata_.erase(group);
  } else {
    heads_.emplace(*members.begin(), &group->first);
  }
  expendable_.erase({held.quota_reached, order});
  bytes_ -= held.bytes;
  held_.erase(entry);
}

std::optional<std::uint64_t> Reserve::BestAdmissible(const Census& census) const {
  std::optional<std::uint64_t> best;
  double most_needed = 0;
  for (const auto& [order, places] : heads_) {
    const double need = census.NeedOf(*places);
    if (need <= most_needed) continue;
    most_needed = need;
    best = order.sequence;
  }
  return best;
}

std::optional<std::uint64_t> Reserve::Worst() const {
  if (expendable_.empty()) return std::nullopt;
  return expendable_.begin()->order.sequence;
}

}  // namespace winnow::balancer
