#include "libs/kafka/lanes.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <latch>
#include <memory>
#include <thread>
#include <vector>

namespace winnow::kafka {
namespace {

TEST(LanesTest, KeepsTheOrderOfEachStrand) {
  std::vector<std::vector<int>> seen(5);
  std::atomic<int> left{5 * 200};
  std::promise<void> done;
  Lanes lanes(4);
  for (int i = 0; i < 200; ++i) {
    for (std::uint64_t strand = 0; strand < 5; ++strand) {
      lanes.Submit(strand, [&, strand, i](std::size_t) {
        seen[strand].push_back(i);  // unlocked: one at a time
        if (--left == 0) done.set_value();
      });
    }
  }
  done.get_future().wait();
  for (const auto& strand : seen) {
    ASSERT_EQ(strand.size(), 200u);
    for (int i = 0; i < 200; ++i) EXPECT_EQ(strand[static_cast<std::size_t>(i)], i);
  }
}

TEST(LanesTest, WorksAtTheSameTimeOnWhatHasNoOrder) {
  std::latch met(2);  // each waits for the other: one lane would never end
  std::latch done(2);
  Lanes lanes(2);
  const auto meet = [&](std::size_t) {
    met.arrive_and_wait();
    done.count_down();
  };
  lanes.Submit(std::nullopt, meet);
  lanes.Submit(7, meet);
  done.wait();
}

TEST(LanesTest, ForgetsOnClearWhatHasNotBegunAndWaitsForWhatHas) {
  Lanes lanes(1);
  std::promise<void> begun;
  std::promise<void> cleared;
  std::atomic<int> finished{0};
  auto held = std::make_shared<int>();
  const std::weak_ptr<int> queued = held;
  lanes.Submit(1, [&](std::size_t) {
    begun.set_value();
    // However long the other thread takes to queue the rest: Clear lets go of it before it waits,
    // and cannot end before this does.
    while (!queued.expired()) std::this_thread::yield();
    EXPECT_EQ(cleared.get_future().wait_for(std::chrono::milliseconds(100)),
              std::future_status::timeout);
    ++finished;
  });
  begun.get_future().wait();
  for (std::uint64_t i = 0; i < 10; ++i) {
    lanes.Submit(i % 2, [&, held](std::size_t) { finished += 100; });
  }
  held.reset();
  lanes.Clear();
  EXPECT_EQ(finished, 1);
  cleared.set_value();
  std::promise<void> again;
  lanes.Submit(1, [&](std::size_t) { again.set_value(); });
  again.get_future().wait();
}

}  // namespace
}  // namespace winnow::kafka
