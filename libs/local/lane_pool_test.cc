#include "libs/local/lane_pool.h"

#include <gtest/gtest.h>

#include <atomic>

#include "libs/local/in_flight_budget.h"

namespace winnow::local {
namespace {

std::vector<LaneTask> Lanes(std::size_t count, const LaneTask& task) {
  return std::vector<LaneTask>(count, task);
}

TEST(LanePoolTest, GivesResultsInSourceOrderWhateverFinishesFirst) {
  constexpr std::uint64_t kFirst = 40;
  constexpr std::uint64_t kCount = 500;
  LanePool pool(Lanes(4, [](std::uint64_t sequence, const stream::SourceEntry& entry) {
    // Uneven work, so that later records overtake earlier ones.
    std::atomic<std::uint64_t> spin = 0;
    while (spin < sequence % 7 * 1000) ++spin;
    LaneResult result;
    result.entry = entry;
    return Result<LaneResult>(std::move(result));
  }));
  for (std::uint64_t i = 0; i < kCount; ++i) {
    stream::SourceEntry entry;
    entry.name = std::to_string(i);
    pool.Submit(kFirst + i, std::move(entry));
  }
  pool.Finish();
  for (std::uint64_t i = 0; i < kCount; ++i) {
    const auto result = pool.Next();
    ASSERT_TRUE(result.has_value());
    EXPECT_EQ((**result).entry.name, std::to_string(i));
  }
  EXPECT_FALSE(pool.Next().has_value());
}

TEST(LanePoolTest, KeepsOneCamerasFramesInOrderOnOneLane) {
  Mutex mutex;
  std::map<std::string, std::vector<std::uint64_t>> seen;
  {
    LanePool pool(Lanes(4, [&](std::uint64_t sequence, const stream::SourceEntry& entry) {
      const MutexLock lock(mutex);
      seen[entry.order_key].push_back(sequence);
      return Result<LaneResult>(LaneResult());
    }));
    for (std::uint64_t i = 0; i < 300; ++i) {
      stream::SourceEntry entry;
      entry.order_key = "camera-" + std::to_string(i % 3);
      pool.Submit(i, std::move(entry));
    }
    pool.Finish();
    while (pool.Next()) {
    }
  }
  ASSERT_EQ(seen.size(), 3u);
  for (const auto& [camera, sequences] : seen) {
    EXPECT_TRUE(std::is_sorted(sequences.begin(), sequences.end())) << camera;
    EXPECT_EQ(sequences.size(), 100u);
  }
}

TEST(LanePoolTest, GivesUpQueuedWorkWhenDestroyed) {
  std::atomic<int> done = 0;
  {
    LanePool pool(Lanes(1, [&](std::uint64_t, const stream::SourceEntry&) {
      ++done;
      return Result<LaneResult>(LaneResult());
    }));
    for (std::uint64_t i = 0; i < 100'000; ++i) pool.Submit(i, {});
  }
  EXPECT_LT(done.load(), 100'000);
}

TEST(InFlightBudgetTest, AdmitsAnOversizedRecordOnlyAlone) {
  InFlightBudget budget(100, 10);
  ASSERT_TRUE(budget.Acquire(60));
  std::atomic<bool> admitted = false;
  std::thread large([&] { admitted = budget.Acquire(1000); });
  EXPECT_FALSE(admitted.load());
  budget.Release(60);
  large.join();
  EXPECT_TRUE(admitted.load());
  EXPECT_EQ(budget.peak_bytes(), 1000u);
}

TEST(InFlightBudgetTest, BoundsRecordsWithoutBytes) {
  InFlightBudget budget(100, 2);
  ASSERT_TRUE(budget.Acquire(0));
  ASSERT_TRUE(budget.Acquire(0));
  std::thread third([&] { EXPECT_FALSE(budget.Acquire(0)) << "closed before there was room"; });
  budget.Close();
  third.join();
}

}  // namespace
}  // namespace winnow::local
