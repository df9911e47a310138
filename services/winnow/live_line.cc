#include "services/winnow/live_line.h"

#include <fmt/format.h>
#include <unistd.h>

namespace winnow::cli {

LiveLine::LiveLine(std::FILE* out)
    : out_(out), terminal_(isatty(fileno(out)) == 1), start_(SteadyClock::now()),
      next_(start_ + interval()) {}

LiveLine::~LiveLine() {
  if (terminal_) fmt::print(out_, "\r\033[K");
}

std::chrono::milliseconds LiveLine::interval() const {
  return terminal_ ? std::chrono::milliseconds(200) : std::chrono::milliseconds(10'000);
}

double LiveLine::seconds() const {
  return std::chrono::duration<double>(SteadyClock::now() - start_).count();
}

bool LiveLine::Due() {
  const auto now = SteadyClock::now();
  if (now < next_) return false;
  next_ = now + interval();
  return true;
}

void LiveLine::Show(std::string_view text) {
  if (terminal_) {
    fmt::print(out_, "\r\033[K{}", text);
    std::fflush(out_);
  } else {
    fmt::print(out_, "{}\n", text);
  }
}

}  // namespace winnow::cli
