// Counts of admitted images by stratum, and the admission rule over them. Values in memory: no
// state, no records.
//
// The rule. On an axis let V be its strata: the values the spec lists and those seen so far.
//   weight_v = the target of v, or, unlisted, (1 - sum of targets) / number of unlisted values seen
//   open     = strata whose class quota (objective.target_counts) is not reached; all, on axes
//              other than class
//   share_v  = weight_v / sum of weights of open strata (equal shares if that sum is 0)
//   limit_v  = max(warmup, (share_v + tolerance) * (sum of counts of open strata + 1))
//   room_v   = limit_v - count_v
// An image is admitted if on every axis ANY of its values is open and has room > 0, and no quota
// (all its classes full, or objective.target_images) stands against it. Admitting on
// any value is MetaCLIP's rule (keep an image if any of its concepts is below its cap), made
// deterministic and, with the share of what is there, online.
//
// It cannot starve. Were no open stratum of an axis below its limit, summing
// count_v >= (share_v + tolerance) * (total + 1) over them would give total >= total + 1. So each
// axis always has a stratum whose next image is welcome, whatever the tolerance and warmup.
//
// The argument asks of the counts only that total is their sum. Admit and Withdraw both keep that,
// so it holds, too, where images were withdrawn, or admitted beyond a limit because they take the
// place of withdrawn ones. Such a stratum gets no more until it is below its limit again.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libs/record/reason.h"
#include "libs/spec/spec.h"
#include "services/balancer/strata.h"

namespace winnow::balancer {

// A record's strata as small numbers, good for one Census object.
using Places = std::vector<std::vector<std::uint32_t>>;

// The same as numbers that are good for ever, to be kept in state: a stratum gets its number when
// it is first located. Axis by axis, the values in their order.
using Numbers = std::vector<std::uint32_t>;

// The decision about one image and the figures it rests on.
struct Judgement {
  record::Reason reason = record::Reason::kNone;  // or kOverTargetShare, kQuotaReached
  std::string stratum;  // "class=car": where it was refused, or had least room; empty without axes
  double count = 0;     // admitted under it before
  double limit = 0;
  friend bool operator==(const Judgement&, const Judgement&) = default;
};

// Not thread-safe. Decisions depend on counts and on the set of values seen, not on the order in
// which they came.
class Census {
 public:
  explicit Census(const spec::CollectionSpec& spec);

  // The axes to take strata on: those of the spec, and "class" where only quotas need it.
  const std::vector<std::string>& axes() const { return axis_names_; }

  // Notes the values as seen. `strata` has one entry per axis.
  Places Locate(const Strata& strata);

  Judgement Judge(const Places& places) const;
  // How far such images are below their limit: 1 - count / limit of the value with most room, on
  // the axis where that is least. Above 0 if and only if Judge admits; 1 at best.
  double NeedOf(const Places& places) const;
  void Admit(const Places& places);
  // Whether the counts can hold such an image: always, once it was admitted.
  bool Holds(const Places& places) const;
  // Takes back one Admit of these places, which it must hold: all decisions are as if it had not
  // been. A quota it closed is open again.
  void Withdraw(const Places& places);

  Numbers NumbersOf(const Places& places) const;
  // nullopt if a number is none of this census.
  std::optional<Places> PlacesOf(const Numbers& numbers) const;
  // "class=car" of each; all must be known.
  std::vector<std::string> NamesOf(const Numbers& numbers) const;

  std::uint64_t admitted() const { return admitted_; }
  std::uint64_t CountOf(std::size_t axis, std::uint32_t place) const {
    return axes_[axis].values[place].count;
  }
  const std::string& NameOf(std::size_t axis, std::uint32_t place) const {
    return axes_[axis].values[place].name;
  }
  std::uint32_t NumberOf(std::size_t axis, std::uint32_t place) const {
    return *axes_[axis].values[place].number;
  }

  // Takes over a stratum of an earlier run, each once, before the first Locate.
  void Restore(std::string_view axis, const std::string& value, std::uint64_t count,
               std::uint32_t number);
  void RestoreAdmitted(std::uint64_t admitted) { admitted_ = admitted; }

 private:
  struct Value {
    std::string name;
    std::uint64_t count = 0;
    double target = -1;           // negative: not listed
    std::uint64_t quota = ~0ull;  // images wanted in all
    std::optional<std::uint32_t> number;  // from when it is first located

    bool listed() const { return target >= 0; }
    bool open() const { return count < quota; }
  };

  struct Axis {
    bool enforced = true;  // false: counted for quotas only
    bool quotas = false;
    double tolerance = 0;
    double listed_weight = 0;            // sum of targets
    double open_listed_weight = 0;
    std::uint64_t unlisted = 0;          // values seen that are not listed
    std::uint64_t open_unlisted = 0;
    std::uint64_t open_values = 0;
    std::uint64_t open_count = 0;        // images (labels, on class) in open strata
    std::vector<Value> values;
    std::map<std::string, std::uint32_t> places;
  };

  // Between a stratum's count and its limit.
  struct Room {
    const Value* value = nullptr;
    double limit = 0;
    double need() const {
      return limit > 0 ? 1 - static_cast<double>(value->count) / limit : 0;
    }
  };

  std::uint32_t PlaceOf(Axis& axis, const std::string& value);
  void Number(std::size_t axis, std::uint32_t place, std::uint32_t number);
  static void SumUpOpenStrata(Axis& axis);
  double LimitOf(const Axis& axis, const Value& value) const;
  Room MostRoom(const Axis& axis, const std::vector<std::uint32_t>& places) const;
  // A class axis none of whose values here is open; size() if there is none.
  std::size_t FullAxis(const Places& places) const;
  bool Complete() const { return target_images_ != 0 && admitted_ >= target_images_; }

  const std::map<std::string, std::uint64_t> quotas_;
  const std::uint64_t target_images_;
  const double warmup_;
  std::vector<std::string> axis_names_;
  std::vector<Axis> axes_;
  std::map<std::uint32_t, std::pair<std::size_t, std::uint32_t>> numbered_;  // axis and place
  std::uint64_t admitted_ = 0;
};

}  // namespace winnow::balancer
