#include "libs/service/signals.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <utility>

#include "libs/base/check.h"

namespace winnow::service {
namespace {

enum class Woken { kSignal, kDone, kTimeout };

Woken Wait(int signals, int done, int timeout_ms) {
  std::array<pollfd, 2> files{pollfd{done, POLLIN, 0}, pollfd{signals, POLLIN, 0}};
  int ready = 0;
  do {
    ready = ::poll(files.data(), files.size(), timeout_ms);
  } while (ready < 0 && errno == EINTR);
  if (files[0].revents != 0) return Woken::kDone;
  return ready > 0 ? Woken::kSignal : Woken::kTimeout;
}

// Counts signals not yet taken; -1: nobody waits for any. A signal handler can reach nothing else.
std::atomic<int> counter = -1;
static_assert(std::atomic<int>::is_always_lock_free);

void Count(int) {
  const int before = errno;
  const std::uint64_t one = 1;
  static_cast<void>(::write(counter.load(), &one, sizeof one) < 0);
  errno = before;
}

void TakeSignal(int signals) {
  std::uint64_t one = 0;
  WINNOW_CHECK(::read(signals, &one, sizeof one) == sizeof one);
}

sigset_t StopSet() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  return set;
}

void Handle(int signal) {
  struct sigaction action {};
  action.sa_handler = Count;
  action.sa_flags = SA_RESTART;
  action.sa_mask = StopSet();
  WINNOW_CHECK(::sigaction(signal, &action, nullptr) == 0);
}

}  // namespace

StopSignals::StopSignals(std::atomic<bool>& flag) : flag_(flag) {
  std::signal(SIGPIPE, SIG_IGN);
  const sigset_t set = StopSet();
  WINNOW_CHECK(pthread_sigmask(SIG_BLOCK, &set, nullptr) == 0);
  signals_ = ::eventfd(0, EFD_CLOEXEC | EFD_SEMAPHORE);
  done_ = ::eventfd(0, EFD_CLOEXEC);
  WINNOW_CHECK(signals_ >= 0 && done_ >= 0);
  counter = signals_;
  Handle(SIGTERM);
  Handle(SIGINT);
}

StopSignals::~StopSignals() {
  const std::uint64_t one = 1;
  static_cast<void>(::write(done_, &one, sizeof one) < 0);
  if (thread_.joinable()) thread_.join();
  counter = -1;
  ::close(signals_);
  ::close(done_);
}

void StopSignals::Watch(std::chrono::milliseconds deadline, Reactions reactions) {
  thread_ = std::thread(
      [this, deadline, reactions = std::move(reactions)] { Run(deadline, reactions); });
}

void StopSignals::Run(std::chrono::milliseconds deadline, const Reactions& reactions) {
  const sigset_t set = StopSet();
  WINNOW_CHECK(pthread_sigmask(SIG_UNBLOCK, &set, nullptr) == 0);
  if (Wait(signals_, done_, -1) != Woken::kSignal) return;
  TakeSignal(signals_);
  flag_ = true;
  reactions.stopping();
  switch (Wait(signals_, done_, static_cast<int>(deadline.count()))) {
    case Woken::kDone: return;
    case Woken::kSignal: return reactions.give_up(GiveUp::kSecondSignal);
    case Woken::kTimeout: return reactions.give_up(GiveUp::kDeadline);
  }
}

}  // namespace winnow::service
