#include "libs/service/signals.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <future>
#include <optional>

namespace winnow::service {
namespace {

using std::chrono::milliseconds;

// Every wait below ends at once if the code is right.
constexpr std::chrono::seconds kPatience{20};

class StopSignalsTest : public testing::Test {
 protected:
  StopSignals::Reactions Reactions() {
    return {[this] { stopping_.set_value(); },
            [this](StopSignals::GiveUp why) { gave_up_.set_value(why); }};
  }

  static void Send(int signal) { ASSERT_EQ(::kill(::getpid(), signal), 0); }

  void WaitUntilStopping() {
    ASSERT_EQ(stopping_.get_future().wait_for(kPatience), std::future_status::ready);
  }

  std::optional<StopSignals::GiveUp> GaveUp() {
    auto future = gave_up_.get_future();
    if (future.wait_for(kPatience) != std::future_status::ready) return std::nullopt;
    return future.get();
  }

  std::promise<void> stopping_;
  std::promise<StopSignals::GiveUp> gave_up_;
  std::atomic<bool> flag_ = false;
};

TEST_F(StopSignalsTest, SetsTheFlagAtTheFirstSignal) {
  StopSignals signals(flag_);
  signals.Watch(std::chrono::hours(1), Reactions());
  EXPECT_FALSE(flag_);
  Send(SIGTERM);
  WaitUntilStopping();
  EXPECT_TRUE(flag_);
}

TEST_F(StopSignalsTest, GivesUpAtTheSecondSignal) {
  StopSignals signals(flag_);
  signals.Watch(std::chrono::hours(1), Reactions());
  Send(SIGINT);
  WaitUntilStopping();
  Send(SIGTERM);
  EXPECT_EQ(GaveUp(), StopSignals::GiveUp::kSecondSignal);
}

TEST_F(StopSignalsTest, GivesUpWhenTheTimeIsOver) {
  StopSignals signals(flag_);
  signals.Watch(milliseconds(1), Reactions());
  Send(SIGTERM);
  WaitUntilStopping();
  EXPECT_EQ(GaveUp(), StopSignals::GiveUp::kDeadline);
}

TEST_F(StopSignalsTest, HeedsASignalThatCameEarly) {
  StopSignals signals(flag_);
  Send(SIGTERM);
  signals.Watch(std::chrono::hours(1), Reactions());
  WaitUntilStopping();
}

// As those that OpenBLAS starts when it is loaded: they hold nothing back.
TEST_F(StopSignalsTest, HeedsASignalThatAThreadOfALibraryTakes) {
  std::promise<void> over;
  std::promise<void> listens;
  std::thread library([&] {
    sigset_t none;
    sigemptyset(&none);
    pthread_sigmask(SIG_SETMASK, &none, nullptr);
    listens.set_value();
    over.get_future().wait();
  });
  listens.get_future().wait();
  {
    StopSignals signals(flag_);
    ASSERT_EQ(::pthread_kill(library.native_handle(), SIGTERM), 0);
    signals.Watch(std::chrono::hours(1), Reactions());
    WaitUntilStopping();
    ASSERT_EQ(::pthread_kill(library.native_handle(), SIGINT), 0);
    EXPECT_EQ(GaveUp(), StopSignals::GiveUp::kSecondSignal);
  }
  over.set_value();
  library.join();
}

TEST_F(StopSignalsTest, SurvivesAClosedPipe) {
  StopSignals signals(flag_);
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  ::close(ends[0]);
  EXPECT_EQ(::write(ends[1], "x", 1), -1);
  ::close(ends[1]);
}

TEST_F(StopSignalsTest, EndsWithoutASignal) {
  StopSignals signals(flag_);
  signals.Watch(std::chrono::hours(1), Reactions());
}

}  // namespace
}  // namespace winnow::service
