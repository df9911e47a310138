// Identifiers that cannot be mistaken for one another.
#pragma once

#include <compare>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace winnow {

template <class Tag>
class StrongId {
 public:
  StrongId() = default;
  explicit StrongId(std::string value) : value_(std::move(value)) {}

  const std::string& value() const { return value_; }
  bool empty() const { return value_.empty(); }
  friend auto operator<=>(const StrongId&, const StrongId&) = default;

 private:
  std::string value_;
};

using RecordId = StrongId<struct RecordIdTag>;          // 32 hex digits, one image as it arrived
using CollectionId = StrongId<struct CollectionIdTag>;  // the dataset being built
using SourceId = StrongId<struct SourceIdTag>;          // one camera, folder, feed or uploader

}  // namespace winnow

template <class Tag>
struct std::hash<winnow::StrongId<Tag>> {
  std::size_t operator()(const winnow::StrongId<Tag>& id) const {
    return std::hash<std::string>()(id.value());
  }
};
