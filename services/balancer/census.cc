#include "services/balancer/census.h"

#include <algorithm>
#include <limits>

#include "libs/base/check.h"

namespace winnow::balancer {

using record::Reason;

Census::Census(const spec::CollectionSpec& spec)
    : quotas_(spec.objective.target_counts),
      target_images_(spec.objective.target_images),
      warmup_(static_cast<double>(spec.balance.warmup)) {
  std::vector<spec::BalanceAxis> wanted = spec.balance.axes;
  const bool has_class = std::any_of(wanted.begin(), wanted.end(),
                                     [](const auto& axis) { return axis.name == "class"; });
  const std::size_t enforced = wanted.size();
  if (!has_class && !quotas_.empty()) wanted.push_back({"class", {}, 0});
  for (const spec::BalanceAxis& policy : wanted) {
    Axis axis;
    axis.enforced = axes_.size() < enforced;
    axis.quotas = policy.name == "class";
    axis.tolerance = policy.tolerance;
    for (const auto& [value, target] : policy.targets) {
      const std::uint32_t place = PlaceOf(axis, value);
      axis.values[place].target = target;
      axis.listed_weight += target;
    }
    axis.unlisted = 0;
    SumUpOpenStrata(axis);
    axis_names_.push_back(policy.name);
    axes_.push_back(std::move(axis));
  }
}

// A new value starts as an unlisted one.
std::uint32_t Census::PlaceOf(Axis& axis, const std::string& value) {
  const auto [entry, is_new] =
      axis.places.emplace(value, static_cast<std::uint32_t>(axis.values.size()));
  if (!is_new) return entry->second;
  Value fresh;
  fresh.name = value;
  if (axis.quotas) {
    const auto quota = quotas_.find(value);
    if (quota != quotas_.end()) fresh.quota = quota->second;
  }
  ++axis.unlisted;
  axis.open_unlisted += fresh.open() ? 1 : 0;
  axis.values.push_back(std::move(fresh));
  return entry->second;
}

// From scratch, in one order, so that sums of doubles do not depend on history.
void Census::SumUpOpenStrata(Axis& axis) {
  axis.open_listed_weight = 0;
  axis.open_unlisted = 0;
  axis.open_count = 0;
  for (const auto& [name, place] : axis.places) {
    const Value& value = axis.values[place];
    if (!value.open()) continue;
    axis.open_count += value.count;
    if (value.listed()) {
      axis.open_listed_weight += value.target;
    } else {
      ++axis.open_unlisted;
    }
  }
}

Places Census::Locate(const Strata& strata) {
  WINNOW_CHECK(strata.size() == axes_.size());
  Places places(strata.size());
  for (std::size_t i = 0; i < strata.size(); ++i) {
    for (const std::string& value : strata[i]) places[i].push_back(PlaceOf(axes_[i], value));
  }
  return places;
}

Census::Room Census::RoomOf(const Axis& axis, const Value& value) const {
  const double left_over = std::max(0.0, 1 - axis.listed_weight);
  const double unlisted_weight =
      axis.unlisted == 0 ? 0 : left_over / static_cast<double>(axis.unlisted);
  const double weight = value.listed() ? value.target : unlisted_weight;
  const double open_weight =
      axis.open_listed_weight + static_cast<double>(axis.open_unlisted) * unlisted_weight;
  // All targets of zero among what is open: only unlisted values, or listed ones nobody wants.
  const auto open_values = [&] {
    return static_cast<double>(std::count_if(axis.values.begin(), axis.values.end(),
                                             [](const Value& v) { return v.open(); }));
  };
  const double share = open_weight > 0 ? weight / open_weight : 1 / open_values();
  const double limit = (share + axis.tolerance) * static_cast<double>(axis.open_count + 1);
  return {static_cast<double>(value.count), std::max(warmup_, limit)};
}

// The value with most room speaks for the axis.
Judgement Census::JudgeAxis(std::size_t index, const std::vector<std::uint32_t>& places) const {
  const Axis& axis = axes_[index];
  Judgement best;
  double most_left = -std::numeric_limits<double>::infinity();
  for (const std::uint32_t place : places) {
    const Value& value = axis.values[place];
    if (!value.open()) continue;
    const Room room = RoomOf(axis, value);
    if (room.left() <= most_left) continue;
    most_left = room.left();
    best = {room.left() > 0 ? Reason::kNone : Reason::kOverTargetShare,
            axis_names_[index] + "=" + value.name, room.count, room.limit};
  }
  return best;
}

Judgement Census::JudgeQuotas(const Places& places) const {
  if (target_images_ != 0 && admitted_ >= target_images_) {
    return {Reason::kQuotaReached, "images", static_cast<double>(admitted_),
            static_cast<double>(target_images_)};
  }
  for (std::size_t i = 0; i < axes_.size(); ++i) {
    if (!axes_[i].quotas) continue;
    const auto value_at = [&](std::uint32_t place) -> const Value& {
      return axes_[i].values[place];
    };
    const bool any_open = std::any_of(places[i].begin(), places[i].end(),
                                      [&](std::uint32_t place) { return value_at(place).open(); });
    if (any_open) continue;
    const Value& full = value_at(places[i].front());
    return {Reason::kQuotaReached, axis_names_[i] + "=" + full.name,
            static_cast<double>(full.count), static_cast<double>(full.quota)};
  }
  return {};
}

Judgement Census::Judge(const Places& places) const {
  Judgement tightest = JudgeQuotas(places);
  if (tightest.reason != Reason::kNone) return tightest;
  double least_left = std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < axes_.size(); ++i) {
    if (!axes_[i].enforced) continue;
    Judgement judgement = JudgeAxis(i, places[i]);
    const double left = judgement.limit - judgement.count;
    if (left >= least_left) continue;
    least_left = left;
    tightest = std::move(judgement);
  }
  return tightest;
}

void Census::Admit(const Places& places) {
  ++admitted_;
  for (std::size_t i = 0; i < axes_.size(); ++i) {
    Axis& axis = axes_[i];
    bool closed = false;
    for (const std::uint32_t place : places[i]) {
      Value& value = axis.values[place];
      const bool was_open = value.open();
      ++value.count;
      axis.open_count += was_open ? 1 : 0;
      closed |= was_open && !value.open();
    }
    if (closed) SumUpOpenStrata(axis);
  }
}

void Census::Restore(std::string_view axis_name, const std::string& value, std::uint64_t count) {
  for (std::size_t i = 0; i < axes_.size(); ++i) {
    if (axis_names_[i] != axis_name) continue;
    Axis& axis = axes_[i];
    Value& restored = axis.values[PlaceOf(axis, value)];
    restored.count = count;
    axis.open_count += count;
    if (!restored.open()) SumUpOpenStrata(axis);
  }
}

}  // namespace winnow::balancer
