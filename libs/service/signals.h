// SIGTERM and SIGINT as a flag, with an end to waiting for it to be heeded.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <thread>

namespace winnow::service {

// From construction on the two signals no longer end the process: the first sets `flag`, then calls
// `stopping`; a second one, or `deadline` after the first, calls `give_up`, which is expected to
// end the process. SIGPIPE is ignored. Both functions are called from a thread of its own.
//
// Make it before any other thread: threads inherit which signals are held back, so that none is
// interrupted. Threads of libraries that were there before (OpenBLAS starts some when it is loaded)
// may take a signal, too, and pass it on. One per process at a time; destruction, which leaves the
// signals held back, ends the waiting. `flag` must outlive it.
class StopSignals {
 public:
  enum class GiveUp { kSecondSignal, kDeadline };
  struct Reactions {
    std::function<void()> stopping = nullptr;
    std::function<void(GiveUp)> give_up = nullptr;
  };

  explicit StopSignals(std::atomic<bool>& flag);
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  // Signals that came before are heeded now. Call once.
  void Watch(std::chrono::milliseconds deadline, Reactions reactions);

 private:
  void Run(std::chrono::milliseconds deadline, const Reactions& reactions);

  std::atomic<bool>& flag_;
  int signals_ = -1;  // file descriptors: a signal can be read, the end has come
  int done_ = -1;
  std::thread thread_;
};

}  // namespace winnow::service
