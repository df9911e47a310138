#include "services/winnow/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

namespace winnow::cli {
namespace {

constexpr auto kTerminalInterval = std::chrono::milliseconds(200);
constexpr auto kLogInterval = std::chrono::seconds(10);

}  // namespace

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
    : out_(out), terminal_(isatty(fileno(out)) == 1), total_(total), start_(SteadyClock::now()),
      next_(start_ + (terminal_ ? kTerminalInterval : kLogInterval)) {}

Progress::~Progress() {
  if (terminal_) fmt::print(out_, "\r\033[K");
}

double Progress::seconds() const {
  return std::chrono::duration<double>(SteadyClock::now() - start_).count();
}

void Progress::Update(const local::Totals& totals) {
  if (!before_) before_ = totals.Received() - std::min<std::uint64_t>(totals.Received(), 1);
  const auto now = SteadyClock::now();
  if (now < next_) return;
  next_ = now + (terminal_ ? std::chrono::nanoseconds(kTerminalInterval)
                           : std::chrono::nanoseconds(kLogInterval));
  ProgressState state;
  state.done = totals.Received();
  state.fresh = state.done - *before_;
  state.total = total_;
  state.seconds = seconds();
  state.stored = totals.Ended(record::Disposition::kStored);
  state.rejected = totals.Ended(record::Disposition::kRejected);
  state.deferred = totals.Ended(record::Disposition::kDeferred);
  state.review = totals.Ended(record::Disposition::kReview);
  const std::string line = FormatProgress(state);
  if (terminal_) {
    fmt::print(out_, "\r\033[K{}", line);
    std::fflush(out_);
  } else {
    fmt::print(out_, "{}\n", line);
  }
}

}  // namespace winnow::cli
