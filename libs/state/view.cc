#include "libs/state/state_store.h"

namespace winnow::state {
namespace {

class FamilyView : public stream::StateView {
 public:
  FamilyView(const StateStore& store, std::string family)
      : store_(store), family_(std::move(family)) {}

  Result<std::optional<std::string>> Get(std::string_view key) const override {
    return store_.Get(family_, key);
  }

  Status Scan(std::string_view prefix,
              const std::function<bool(std::string_view, std::string_view)>& visit)
      const override {
    return store_.Scan(family_, prefix, visit);
  }

 private:
  const StateStore& store_;
  const std::string family_;
};

}  // namespace

std::unique_ptr<stream::StateView> ViewOf(const StateStore& store, std::string family) {
  return std::make_unique<FamilyView>(store, std::move(family));
}

}  // namespace winnow::state
