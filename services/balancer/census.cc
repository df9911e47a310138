#include "services/balancer/census.h"

#include <algorithm>

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
  axis.open_values += fresh.open() ? 1 : 0;
  axis.values.push_back(std::move(fresh));
  return entry->second;
}

// From scratch, in one order, so that sums of doubles do not depend on history.
void Census::SumUpOpenStrata(Axis& axis) {
  axis.open_listed_weight = 0;
  axis.open_unlisted = 0;
  axis.open_values = 0;
  axis.open_count = 0;
  for (const auto& [name, place] : axis.places) {
    const Value& value = axis.values[place];
    if (!value.open()) continue;
    ++axis.open_values;
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
    for (const std::string& value : strata[i]) {
      const std::uint32_t place = PlaceOf(axes_[i], value);
      places[i].push_back(place);
      if (axes_[i].values[place].number) continue;
      Number(i, place, static_cast<std::uint32_t>(numbered_.size()));
    }
  }
  return places;
}

void Census::Number(std::size_t axis, std::uint32_t place, std::uint32_t number) {
  axes_[axis].values[place].number = number;
  numbered_[number] = {axis, place};
}

Numbers Census::NumbersOf(const Places& places) const {
  Numbers numbers;
  for (std::size_t i = 0; i < places.size(); ++i) {
    for (const std::uint32_t place : places[i]) numbers.push_back(NumberOf(i, place));
  }
  return numbers;
}

std::optional<Places> Census::PlacesOf(const Numbers& numbers) const {
  Places places(axes_.size());
  for (const std::uint32_t number : numbers) {
    const auto found = numbered_.find(number);
    if (found == numbered_.end()) return std::nullopt;
    const auto& [axis, place] = found->second;
    places[axis].push_back(place);
  }
  return places;
}

std::vector<std::string> Census::NamesOf(const Numbers& numbers) const {
  std::vector<std::string> names;
  for (const std::uint32_t number : numbers) {
    const auto& [axis, place] = numbered_.at(number);
    names.push_back(axis_names_[axis] + "=" + NameOf(axis, place));
  }
  return names;
}

double Census::LimitOf(const Axis& axis, const Value& value) const {
  const double left_over = std::max(0.0, 1 - axis.listed_weight);
  const double unlisted_weight =
      axis.unlisted == 0 ? 0 : left_over / static_cast<double>(axis.unlisted);
  const double weight = value.listed() ? value.target : unlisted_weight;
  const double open_weight =
      axis.open_listed_weight + static_cast<double>(axis.open_unlisted) * unlisted_weight;
  // Where only strata with a target of zero are open they share equally.
  const double share =
      open_weight > 0 ? weight / open_weight : 1 / static_cast<double>(axis.open_values);
  return std::max(warmup_, (share + axis.tolerance) * static_cast<double>(axis.open_count + 1));
}

// The value with most room speaks for the axis. At least one must be open.
Census::Room Census::MostRoom(const Axis& axis, const std::vector<std::uint32_t>& places) const {
  Room most;
  for (const std::uint32_t place : places) {
    const Value& value = axis.values[place];
    if (!value.open()) continue;
    const Room room = {&value, LimitOf(axis, value)};
    if (most.value == nullptr || room.need() > most.need()) most = room;
  }
  WINNOW_CHECK(most.value != nullptr);
  return most;
}

std::size_t Census::FullAxis(const Places& places) const {
  for (std::size_t i = 0; i < axes_.size(); ++i) {
    const auto open = [&](std::uint32_t place) { return axes_[i].values[place].open(); };
    if (std::none_of(places[i].begin(), places[i].end(), open)) return i;
  }
  return axes_.size();
}

Judgement Census::Judge(const Places& places) const {
  if (Complete()) {
    return {Reason::kQuotaReached, "images", static_cast<double>(admitted_),
            static_cast<double>(target_images_)};
  }
  const std::size_t full = FullAxis(places);
  if (full < axes_.size()) {
    const Value& value = axes_[full].values[places[full].front()];
    return {Reason::kQuotaReached, axis_names_[full] + "=" + value.name,
            static_cast<double>(value.count), static_cast<double>(value.quota)};
  }
  Room tightest;
  std::size_t tightest_axis = 0;
  for (std::size_t i = 0; i < axes_.size(); ++i) {
    if (!axes_[i].enforced) continue;
    const Room room = MostRoom(axes_[i], places[i]);
    if (tightest.value != nullptr && room.need() >= tightest.need()) continue;
    tightest = room;
    tightest_axis = i;
  }
  if (tightest.value == nullptr) return {};
  return {tightest.need() > 0 ? Reason::kNone : Reason::kOverTargetShare,
          axis_names_[tightest_axis] + "=" + tightest.value->name,
          static_cast<double>(tightest.value->count), tightest.limit};
}

double Census::NeedOf(const Places& places) const {
  if (Complete() || FullAxis(places) < axes_.size()) return 0;
  double need = 1;
  for (std::size_t i = 0; i < axes_.size(); ++i) {
    if (axes_[i].enforced) need = std::min(need, MostRoom(axes_[i], places[i]).need());
  }
  return need;
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

bool Census::Holds(const Places& places) const {
  for (std::size_t i = 0; i < axes_.size(); ++i) {
    for (const std::uint32_t place : places[i]) {
      if (CountOf(i, place) == 0) return false;
    }
  }
  return admitted_ > 0;
}

void Census::Withdraw(const Places& places) {
  WINNOW_CHECK(Holds(places));
  --admitted_;
  for (std::size_t i = 0; i < axes_.size(); ++i) {
    Axis& axis = axes_[i];
    bool reopened = false;
    for (const std::uint32_t place : places[i]) {
      Value& value = axis.values[place];
      const bool was_open = value.open();
      --value.count;
      axis.open_count -= was_open ? 1 : 0;
      reopened |= !was_open && value.open();
    }
    if (reopened) SumUpOpenStrata(axis);
  }
}

void Census::Restore(std::string_view axis_name, const std::string& value, std::uint64_t count,
                     std::uint32_t number) {
  for (std::size_t i = 0; i < axes_.size(); ++i) {
    if (axis_names_[i] != axis_name) continue;
    Axis& axis = axes_[i];
    const std::uint32_t place = PlaceOf(axis, value);
    Number(i, place, number);
    Value& restored = axis.values[place];
    restored.count = count;
    axis.open_count += count;
    if (!restored.open()) SumUpOpenStrata(axis);
  }
}

}  // namespace winnow::balancer
