// Entries that come and go for a long time, and disks that fill up.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>

#include <filesystem>

#include "services/deduper/hamming_index.h"
#include "services/deduper/hamming_index_testing.h"

namespace winnow::deduper {
namespace {

namespace fs = std::filesystem;

// Insertions, erasures and searches at random, against a map.
class RandomOperations {
 public:
  RandomOperations(const IndexKind& kind, std::uint64_t seed)
      : random_(seed), index_(HammingIndex::Create(kind.Options()).value()) {
    for (int i = 0; i < 6; ++i) centres_.push_back(RandomBits(random_));
  }

  void Run(int operations, int insertions_in_ten) {
    for (int i = 0; i < operations; ++i) {
      if (static_cast<int>(random_() % 10) < insertions_in_ten) {
        Insert();
      } else {
        Erase();
      }
      if (i % 16 == 0) {
        ASSERT_NO_FATAL_FAILURE(Compare());
      }
    }
  }

  const HammingIndex& index() const { return index_; }

 private:
  Bits Near() {
    return AtDistance(centres_[random_() % centres_.size()], static_cast<int>(random_() % 33),
                      random_);
  }

  void Insert() {
    next_id_ += 1 + static_cast<std::uint32_t>(random_() % 3);
    const Bits bits = Near();
    ASSERT_TRUE(index_.Insert(next_id_, bits));
    entries_[next_id_] = bits;
  }

  void Erase() {
    const auto id = static_cast<std::uint32_t>(random_() % (next_id_ + 1));
    EXPECT_EQ(index_.Erase(id), entries_.erase(id) == 1);
  }

  void Compare() {
    const Bits query = Near();
    const int d = static_cast<int>(random_() % 32);
    const std::vector<Match> expected = Within(BruteForce(entries_, query), d);
    ASSERT_EQ(index_.size(), entries_.size());
    ASSERT_EQ(index_.FindAll(query, d), expected);
    ASSERT_EQ(index_.FindNearest(query, d), Nearest(expected));
  }

  Random random_;
  HammingIndex index_;
  Entries entries_;
  std::vector<Bits> centres_;
  std::uint32_t next_id_ = 0;
};

class HammingIndexChurnTest : public testing::TestWithParam<IndexKind> {
 protected:
  void SetUp() override {
    if (FindBitScan(GetParam().scan) == nullptr) GTEST_SKIP() << "this processor cannot";
  }
};

INSTANTIATE_TEST_SUITE_P(Kinds, HammingIndexChurnTest, testing::ValuesIn(AllIndexKinds()),
                         [](const auto& kind) { return kind.param.Name(); });

TEST_P(HammingIndexChurnTest, AgreesWithAMapThroughRandomOperations) {
  for (const std::uint64_t seed : {1, 2, 3}) {
    RandomOperations operations(GetParam(), seed);
    operations.Run(400, 9);
    operations.Run(300, 4);
    operations.Run(200, 0);
    operations.Run(100, 8);
    if (HasFatalFailure()) FAIL() << "seed " << seed;
  }
}

// One in, one out, for ever: settling and sweeping both get their turns, whichever comes last.
TEST(HammingIndexTest, KeepsWithinItsMemoryWhenEachEntryReplacesAnother) {
  constexpr std::uint32_t kWindow = 1000;
  constexpr std::uint32_t kInsertions = 20'000;
  constexpr std::uint32_t kStep = 40;  // ids, so that blocks of them are used up quickly
  IndexKind kind;
  kind.fewest_recent = 2000;
  for (const auto memory : {IndexKind::Memory::kAll, IndexKind::Memory::kNone}) {
    kind.memory = memory;
    Random random(4);
    HammingIndex index = HammingIndex::Create(kind.Options()).value();
    std::size_t most_at_half_time = 0;
    std::size_t most = 0;
    for (std::uint32_t i = 0; i < kInsertions; ++i) {
      ASSERT_TRUE(index.Insert(kStep * i, RandomBits(random)));
      if (i >= kWindow) {
        ASSERT_TRUE(index.Erase(kStep * (i - kWindow)));
      }
      if (i % 10 == 0) most = std::max(most, index.MemoryBytes() + index.DiskBytes());
      if (i == kInsertions / 2) most_at_half_time = most;
    }
    EXPECT_EQ(index.size(), kWindow);
    EXPECT_LE(most, most_at_half_time + most_at_half_time / 10);
  }
}

TEST(HammingIndexTest, GivesMemoryBackWhenAllIsErased) {
  constexpr std::uint32_t kEntries = 200'000;
  Random random(5);
  HammingIndex index;
  for (std::uint32_t id = 0; id < kEntries; ++id) ASSERT_TRUE(index.Append(id, RandomBits(random)));
  ASSERT_TRUE(index.Build());
  const std::size_t full = index.MemoryBytes();
  for (std::uint32_t id = 0; id < kEntries; ++id) ASSERT_TRUE(index.Erase(id));
  EXPECT_GE(full, kEntries * 128u);
  // The offsets, and what has not been swept yet.
  EXPECT_LE(index.MemoryBytes(), (5u << 20) + full / 4);
}

TEST(HammingIndexTest, HoldsAFullSizedEntryInLessThan140Bytes) {
  constexpr std::uint32_t kEntries = 1'000'000;
  Random random(6);
  HammingIndex index;
  for (std::uint32_t id = 0; id < kEntries; ++id) ASSERT_TRUE(index.Append(id, RandomBits(random)));
  ASSERT_TRUE(index.Build());
  // Until every table has got fronts and has been settled a few times.
  for (std::uint32_t id = kEntries; id < kEntries + kEntries / 8; ++id) {
    ASSERT_TRUE(index.Insert(id, RandomBits(random)));
    if (id % 1000 == 0) {
      ASSERT_LE(index.MemoryBytes(), 140 * index.size());
    }
  }
  EXPECT_GE(index.MemoryBytes(), 120 * index.size());  // with fronts
}

TEST(HammingIndexTest, KeepsWithinTheMemoryItWasGiven) {
  constexpr std::size_t kLimit = 24u << 20;
  HammingIndex::Options options;
  options.memory_bytes = kLimit;
  options.spill_directory = TemporaryDirectory();
  options.fewest_recent = 1000;
  HammingIndex index = HammingIndex::Create(options).value();
  Random random(7);
  const Bits first = RandomBits(random);
  ASSERT_TRUE(index.Insert(0, first));
  for (std::uint32_t id = 1; id < 250'000; ++id) {
    ASSERT_TRUE(index.Insert(id, RandomBits(random)));
    if (id % 1000 == 0) {
      ASSERT_LE(index.MemoryBytes(), kLimit);
    }
  }
  EXPECT_GT(index.DiskBytes(), 0u);
  EXPECT_EQ(index.FindNearest(Flipped(first, 9), 31), (Match{0, 1}));
}

TEST(HammingIndexTest, GivesUpFrontsBeforeAnythingGoesToDisk) {
  IndexKind kind;
  kind.fronts = true;
  HammingIndex::Options options = kind.Options();
  options.fewest_recent = 100;
  options.memory_bytes = 24u << 20;
  options.spill_directory = TemporaryDirectory();
  HammingIndex index = HammingIndex::Create(options).value();
  Random random(8);
  Entries entries;
  for (std::uint32_t id = 0; id < 5000; ++id) {
    entries[id] = RandomBits(random);
    ASSERT_TRUE(index.Insert(id, entries[id]));
    ASSERT_LE(index.MemoryBytes(), options.memory_bytes);
  }
  EXPECT_EQ(index.DiskBytes(), 0u);
  for (const auto& [id, bits] : entries) ASSERT_EQ(index.FindNearest(bits, 0), (Match{id, 0}));
}

// With fronts while there are one to two million, without before and after.
TEST(HammingIndexTest, FindsEveryCopyAmongMillions) {
  Random random(9);
  std::vector<Bits> entries;
  HammingIndex index;
  const auto expect_finds_copies = [&] {
    ASSERT_EQ(index.size(), entries.size());
    for (int i = 0; i < 1600; ++i) {
      const auto id = static_cast<std::uint32_t>(random() % entries.size());
      const int distance = i % (HammingIndex::kMaxDistance + 1);
      ASSERT_EQ(index.FindNearest(AtDistance(entries[id], distance, random), 31),
                (Match{id, distance}));
    }
  };
  const auto append = [&](std::size_t size) {
    while (entries.size() < size) {
      entries.push_back(RandomBits(random));
      ASSERT_TRUE(index.Append(static_cast<std::uint32_t>(entries.size() - 1), entries.back()));
    }
    ASSERT_TRUE(index.Build());
  };
  append(900'000);
  expect_finds_copies();
  while (entries.size() < 1'100'000) {
    entries.push_back(RandomBits(random));
    ASSERT_TRUE(index.Insert(static_cast<std::uint32_t>(entries.size() - 1), entries.back()));
  }
  expect_finds_copies();
  append(2'200'000);
  expect_finds_copies();
}

TEST(HammingIndexTest, MakesItsDirectoryAndLeavesNoFileBehind) {
  const fs::path directory = fs::path(testing::TempDir()) / "index_leaves_no_file";
  {
    HammingIndex::Options options;
    options.memory_bytes = 0;
    options.spill_directory = directory;
    HammingIndex index = HammingIndex::Create(options).value();
    ASSERT_TRUE(index.Insert(0, {}));
    EXPECT_GT(index.DiskBytes(), 0u);
    EXPECT_TRUE(fs::is_empty(directory));
  }
  EXPECT_TRUE(fs::is_empty(directory));
  fs::remove(directory);
}

TEST(HammingIndexTest, SaysThatLimitedMemoryNeedsADirectory) {
  HammingIndex::Options options;
  options.memory_bytes = 1u << 30;
  EXPECT_EQ(HammingIndex::Create(options).error().code, ErrorCode::kConfig);
}

TEST(HammingIndexTest, SaysThatTheDirectoryCannotBeWrittenTo) {
  HammingIndex::Options options;
  options.memory_bytes = 1u << 30;
  options.spill_directory = "/dev/null/index";
  const auto index = HammingIndex::Create(options);
  ASSERT_FALSE(index);
  EXPECT_EQ(index.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(index.error().message, testing::HasSubstr("/dev/null/index"));
}

// A disk of a few megabytes.
class HammingIndexOnSmallDiskTest : public testing::TestWithParam<int> {
 protected:
  void SetUp() override {
    directory_ = fs::path(testing::TempDir()) / ("small_disk_" + std::to_string(GetParam()));
    fs::create_directories(directory_);
    const std::string size = "size=" + std::to_string(GetParam()) + "k";
    mounted_ = ::mount("tmpfs", directory_.c_str(), "tmpfs", 0, size.c_str()) == 0;
    if (!mounted_) GTEST_SKIP() << "needs the right to mount a tmpfs";
    HammingIndex::Options options;
    options.memory_bytes = 0;
    options.spill_directory = directory_;
    options.fewest_recent = 500;
    index_ = HammingIndex::Create(options).value();
  }

  void TearDown() override {
    index_ = HammingIndex();
    if (mounted_) ::umount(directory_.c_str());
    fs::remove(directory_);
  }

  // Inserts until there is no room; returns what is in the index.
  Entries Fill() {
    Random random(8);
    Entries entries;
    Status inserted;
    while (entries.size() < 200'000) {
      const auto id = static_cast<std::uint32_t>(entries.size());
      const Bits bits = RandomBits(random);
      inserted = index_.Insert(id, bits);
      if (!inserted) break;
      entries[id] = bits;
    }
    EXPECT_FALSE(inserted);
    if (!inserted) {
      EXPECT_EQ(inserted.error().code, ErrorCode::kUnavailable);
    }
    return entries;
  }

  fs::path directory_;
  bool mounted_ = false;
  HammingIndex index_;
};

// Sizes at which different arrays are the first to find no room.
INSTANTIATE_TEST_SUITE_P(Kilobytes, HammingIndexOnSmallDiskTest,
                         testing::Values(2500, 3000, 3333, 4000));

TEST_P(HammingIndexOnSmallDiskTest, RefusesWhatDoesNotFitAndStaysWhole) {
  const Entries entries = Fill();
  EXPECT_EQ(index_.size(), entries.size());
  for (const auto& [id, bits] : entries) {
    ASSERT_EQ(index_.FindNearest(Flipped(bits, 77), 31), (Match{id, 1}));
  }
  EXPECT_FALSE(index_.Insert(static_cast<std::uint32_t>(entries.size()), {}));
}

TEST_P(HammingIndexOnSmallDiskTest, GoesOnWhenThereIsRoomAgain) {
  const auto next = static_cast<std::uint32_t>(Fill().size());
  ASSERT_EQ(::mount("tmpfs", directory_.c_str(), "tmpfs", MS_REMOUNT, "size=64m"), 0);
  ASSERT_TRUE(index_.Insert(next, {}));
  EXPECT_EQ(index_.FindNearest({}, 31), (Match{next, 0}));
}

}  // namespace
}  // namespace winnow::deduper
