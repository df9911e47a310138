// A line that tells how far a long command is.
#pragma once

#include <chrono>
#include <cstdio>
#include <string_view>

namespace winnow::cli {

// Rewrites one line on a terminal; elsewhere prints a line now and then. One thread.
class LiveLine {
 public:
  explicit LiveLine(std::FILE* out);
  // Clears the live line.
  ~LiveLine();
  LiveLine(const LiveLine&) = delete;
  LiveLine& operator=(const LiveLine&) = delete;

  // True if the reader should be told something: a few times a second on a terminal, every ten
  // seconds elsewhere. The next question is that much later.
  bool Due();
  void Show(std::string_view text);

  // Since construction.
  double seconds() const;

 private:
  using SteadyClock = std::chrono::steady_clock;

  std::chrono::milliseconds interval() const;

  std::FILE* const out_;
  const bool terminal_;
  const SteadyClock::time_point start_;
  SteadyClock::time_point next_;
};

}  // namespace winnow::cli
