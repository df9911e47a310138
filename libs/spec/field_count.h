// How many members a struct has, at compile time (the aggregate-initialisation probe known from
// Boost.PFR), so that a table can be proved complete.
#pragma once

#include <cstddef>
#include <utility>

namespace winnow::spec {

// Stands for a value of any member.
struct AnyMember {
  template <class T>
  operator T() const;  // NOLINT(google-explicit-constructor): never called or defined
};

template <class T, std::size_t... kIndices>
constexpr bool TakesMembers(std::index_sequence<kIndices...>) {
  return requires { T{(static_cast<void>(kIndices), AnyMember{})...}; };
}

// For aggregates without bases, array members or more than 32 members.
template <class T, std::size_t kTry = 32>
constexpr std::size_t FieldCount() {
  if constexpr (TakesMembers<T>(std::make_index_sequence<kTry>())) {
    return kTry;
  } else {
    static_assert(kTry > 0);
    return FieldCount<T, kTry - 1>();
  }
}

}  // namespace winnow::spec
