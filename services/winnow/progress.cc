#include "services/winnow/progress.h"

#include <fmt/format.h>

#include <algorithm>

namespace winnow::cli {

std::string WithThousands(std::uint64_t number) {
  std::string digits = std::to_string(number);
  for (std::size_t at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, ",");
  return digits;
}

std::string AsClock(double seconds) {
  const auto whole = static_cast<std::uint64_t>(std::max(seconds, 0.0) + 0.5);
  const std::uint64_t hours = whole / 3600;
  const std::uint64_t minutes = whole / 60 % 60;
  if (hours > 0) return fmt::format("{}:{:02}:{:02}", hours, minutes, whole % 60);
  return fmt::format("{}:{:02}", minutes, whole % 60);
}

std::string FormatProgress(const ProgressState& state) {
  const double rate =
      state.seconds > 0 ? static_cast<double>(state.fresh) / state.seconds : 0;
  std::string line = WithThousands(state.done);
  if (state.total && *state.total > 0) {
    line += fmt::format(" of {} images  {} %", WithThousands(*state.total),
                        std::min<std::uint64_t>(state.done * 100 / *state.total, 100));
  } else {
    line += " images";
  }
  line += fmt::format("  {:.3g}/s", rate);
  if (state.total && rate > 0 && *state.total > state.done) {
    line += fmt::format("  {} left", AsClock(static_cast<double>(*state.total - state.done) / rate));
  }
  return line + fmt::format("  stored {}  rejected {}  deferred {}  review {}",
                            WithThousands(state.stored), WithThousands(state.rejected),
                            WithThousands(state.deferred), WithThousands(state.review));
}

Progress::Progress(std::FILE* out, std::optional<std::uint64_t> total)
    : line_(out), total_(total) {}

void Progress::Update(const local::Totals& totals) {
  if (!before_) before_ = totals.Received() - std::min<std::uint64_t>(totals.Received(), 1);
  if (!line_.Due()) return;
  ProgressState state;
  state.done = totals.Received();
  state.fresh = state.done - *before_;
  state.total = total_;
  state.seconds = seconds();
  state.stored = totals.Ended(record::Disposition::kStored);
  state.rejected = totals.Ended(record::Disposition::kRejected);
  state.deferred = totals.Ended(record::Disposition::kDeferred);
  state.review = totals.Ended(record::Disposition::kReview);
  line_.Show(FormatProgress(state));
}

}  // namespace winnow::cli
