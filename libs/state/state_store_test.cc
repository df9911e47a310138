#include "libs/state/state_store.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>

#include "libs/base/check.h"
#include "libs/state/overlay.h"
#include "libs/state/rocksdb_store.h"
#include "libs/state/room.h"

namespace winnow::state {
namespace {

class TempDir {
 public:
  TempDir() : path_(std::filesystem::temp_directory_path() /
                    ("winnow-state-" + std::to_string(std::random_device()()))) {}
  ~TempDir() { std::filesystem::remove_all(path_); }
  std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

FamilyWrite Put(std::string family, std::string key, std::string value) {
  return {std::move(family), {std::move(key), std::move(value)}};
}

FamilyWrite Delete(std::string family, std::string key) {
  return {std::move(family), {std::move(key), std::nullopt}};
}

using Entries = std::vector<std::pair<std::string, std::string>>;

template <class View>
Entries All(const View& view, std::string_view prefix) {
  Entries entries;
  EXPECT_TRUE(view.Scan(prefix, [&](std::string_view key, std::string_view value) {
    entries.emplace_back(key, value);
    return true;
  }));
  return entries;
}

class StateStoreTest : public testing::TestWithParam<std::string> {
 protected:
  StateStoreTest() { Open(); }

  void Open() {
    store_.reset();
    if (GetParam() == "memory") {
      store_ = NewMemoryStore();
    } else {
      auto opened = OpenRocksDb({.directory = dir_.path(), .families = {"a", "b"}});
      ASSERT_TRUE(opened) << opened.error().message;
      store_ = std::move(*opened);
    }
  }

  TempDir dir_;
  std::unique_ptr<StateStore> store_;
};

TEST_P(StateStoreTest, KeepsFamiliesApart) {
  ASSERT_TRUE(store_->Commit({Put("a", "k", "1"), Put("b", "k", "2")}));
  EXPECT_EQ(store_->Get("a", "k").value(), "1");
  EXPECT_EQ(store_->Get("b", "k").value(), "2");
  EXPECT_EQ(store_->Get("a", "absent").value(), std::nullopt);
}

TEST_P(StateStoreTest, LetsTheLastWriteToAKeyWin) {
  ASSERT_TRUE(store_->Commit({Put("a", "k", "1"), Delete("a", "k"), Put("a", "k", "3")}));
  EXPECT_EQ(store_->Get("a", "k").value(), "3");
  ASSERT_TRUE(store_->Commit({Put("a", "k", "4"), Delete("a", "k")}));
  EXPECT_EQ(store_->Get("a", "k").value(), std::nullopt);
}

TEST_P(StateStoreTest, CountsTheEntriesOfTheFamiliesAskedFor) {
  WriteBatch batch;
  for (int i = 0; i < 100; ++i) batch.push_back(Put("a", std::to_string(i), std::string(50, 'v')));
  ASSERT_TRUE(store_->Commit(batch));
  ASSERT_TRUE(store_->Commit({Put("b", "k", "1"), Delete("a", "7")}));
  EXPECT_EQ(store_->Figures({"a"}).entries, 99u);
  EXPECT_EQ(store_->Figures({"a", "b"}).entries, 100u);
  EXPECT_EQ(store_->Figures({"absent"}).entries, 0u);
}

TEST_P(StateStoreTest, TellsWhatItTakesOfMemory) {
  const std::uint64_t empty = store_->Figures({}).memory_bytes;
  WriteBatch batch;
  for (int i = 0; i < 1000; ++i) batch.push_back(Put("a", std::to_string(i), std::string(800, 'v')));
  ASSERT_TRUE(store_->Commit(batch));
  const auto figures = store_->Figures({});
  EXPECT_GE(figures.memory_bytes, empty + 800'000);
  EXPECT_LE(figures.memory_bytes, empty + 2'000'000) << "counted once";
  EXPECT_FALSE(figures.writes_stopped);
}

TEST_P(StateStoreTest, ScansOnePrefixInByteOrder) {
  const std::string high("\xff\x01", 2);
  ASSERT_TRUE(store_->Commit(
      {Put("a", "p/2", "2"), Put("a", "p/1", "1"), Put("a", "q", "x"), Put("a", high, "h")}));
  const auto view = ViewOf(*store_, "a");
  EXPECT_EQ(All(*view, "p/"), (Entries{{"p/1", "1"}, {"p/2", "2"}}));
  EXPECT_EQ(All(*view, "").size(), 4u);
  EXPECT_EQ(All(*view, "\xff").size(), 1u);
}

TEST_P(StateStoreTest, OverlayShowsPendingWritesOverTheStore) {
  ASSERT_TRUE(store_->Commit(
      {Put("a", "p1", "old"), Put("a", "p2", "gone"), Put("a", "p4", "kept")}));
  Overlay overlay(*store_, "a");
  overlay.Apply(7, {{"p1", "new"}, {"p2", std::nullopt}, {"p3", "added"}, {"p5", "last"}});

  EXPECT_EQ(overlay.Get("p1").value(), "new");
  EXPECT_EQ(overlay.Get("p2").value(), std::nullopt);
  EXPECT_EQ(All(overlay, "p"), (Entries{{"p1", "new"}, {"p3", "added"}, {"p4", "kept"}, {"p5", "last"}}));

  overlay.Committed(7);
  EXPECT_EQ(overlay.Get("p1").value(), "new") << "record 7 is not committed yet";
  overlay.Committed(8);
  EXPECT_EQ(overlay.Get("p1").value(), "old");
}

TEST_P(StateStoreTest, OverlayScanStopsWhenTold) {
  ASSERT_TRUE(store_->Commit({Put("a", "p2", "2"), Put("a", "p4", "4")}));
  Overlay overlay(*store_, "a");
  overlay.Apply(0, {{"p1", "1"}, {"p3", "3"}, {"p5", "5"}});
  for (std::size_t wanted = 1; wanted <= 5; ++wanted) {
    std::size_t seen = 0;
    ASSERT_TRUE(overlay.Scan("p", [&](std::string_view, std::string_view) {
      return ++seen < wanted;
    }));
    EXPECT_EQ(seen, wanted);
  }
}

INSTANTIATE_TEST_SUITE_P(Stores, StateStoreTest, testing::Values("memory", "rocksdb"),
                         [](const auto& param_info) { return param_info.param; });

TEST(RocksDbStoreTest, KeepsCommittedEntriesOverReopening) {
  const TempDir dir;
  const std::string picture(100'000, 'x');  // large enough for a blob file
  {
    auto store = OpenRocksDb({.directory = dir.path(), .families = {"a"}});
    ASSERT_TRUE(store) << store.error().message;
    ASSERT_TRUE((*store)->Commit({Put("a", "k", picture)}));
  }
  auto store =
      OpenRocksDb({.directory = dir.path(), .families = {"a"}, .mode = OpenMode::kReadOnly});
  ASSERT_TRUE(store) << store.error().message;
  EXPECT_EQ((*store)->Get("a", "k").value(), picture);
}

TEST(RoomTest, IsAskedForOfADirectoryThatMayNotBeThereYet) {
  const TempDir directory;
  const std::string path = directory.path() + "/not/there";
  EXPECT_TRUE(RequireRoom(path, 1));
  const Status none = RequireRoom(path, std::uint64_t{1} << 62);
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, ErrorCode::kUnavailable);
  EXPECT_NE(none.error().message.find(path), std::string::npos) << none.error().message;
}

TEST(RocksDbStoreTest, SharesMemoryThatTheFiguresDivide) {
  TempDir one_dir;
  TempDir other_dir;
  const auto memory = NewRocksDbMemory(64u << 20);
  const auto one = OpenRocksDb({.directory = one_dir.path(), .families = {"a"}, .memory = memory});
  ASSERT_TRUE(one);
  for (int i = 0; i < 200; ++i) {
    const std::string value(30'000, static_cast<char>('a' + i % 26));
    ASSERT_TRUE((*one)->Commit({{"a", {std::to_string(i), value}}}));
  }
  const auto alone = (*one)->Figures({"a"}).memory_bytes;
  EXPECT_GT(alone, 4u << 20);
  {
    const auto other =
        OpenRocksDb({.directory = other_dir.path(), .families = {"a"}, .memory = memory});
    ASSERT_TRUE(other);
    EXPECT_LT((*one)->Figures({"a"}).memory_bytes, alone);
    EXPECT_GT((*other)->Figures({"a"}).memory_bytes, 0u);
    ASSERT_TRUE((*other)->Commit({{"a", {"k", "v"}}}));
    EXPECT_EQ((*other)->Get("a", "k").value(), "v");
  }
  EXPECT_GT((*one)->Figures({"a"}).memory_bytes, alone * 3 / 4);
  EXPECT_EQ((*one)->Get("a", "7").value(), std::string(30'000, 'h'));
}

// While it lives no byte goes into a file, as on a full disk.
class NoFileGrows {
 public:
  NoFileGrows() {
    std::signal(SIGXFSZ, SIG_IGN);
    rlimit none = before_;
    none.rlim_cur = 0;
    WINNOW_CHECK(::setrlimit(RLIMIT_FSIZE, &none) == 0);
  }
  ~NoFileGrows() { WINNOW_CHECK(::setrlimit(RLIMIT_FSIZE, &before_) == 0); }

 private:
  static rlimit Limit() {
    rlimit limit;
    WINNOW_CHECK(::getrlimit(RLIMIT_FSIZE, &limit) == 0);
    return limit;
  }

  const rlimit before_ = Limit();
};

// 0 if nothing was lost.
int CloseOnAFullDisk() {
  const TempDir dir;
  const RocksDbOptions options = {.directory = dir.path(), .families = {"a"}};
  auto store = OpenRocksDb(options);
  WINNOW_CHECK(store && (*store)->Commit({Put("a", "k", "v")}));
  {
    const NoFileGrows full;
    store->reset();
  }
  store = OpenRocksDb(options);
  return store && (*store)->Get("a", "k").value() == "v" ? 0 : 1;
}

// In a process of its own: RocksDB would end it.
TEST(RocksDbStoreDeathTest, IsClosedWhereNoLineOfItsLogFits) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(std::exit(CloseOnAFullDisk()), testing::ExitedWithCode(0), "");
}

TEST(RocksDbStoreTest, RefusesADirectoryInUse) {
  const TempDir dir;
  const auto first = OpenRocksDb({.directory = dir.path(), .families = {"a"}});
  ASSERT_TRUE(first);
  const auto second = OpenRocksDb({.directory = dir.path(), .families = {"a"}});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kConfig);
}

TEST(RocksDbStoreTest, RefusesStateThatIsNotThereWhenReading) {
  const TempDir dir;
  const auto store =
      OpenRocksDb({.directory = dir.path(), .families = {"a"}, .mode = OpenMode::kReadOnly});
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, ErrorCode::kConfig);
}

TEST(RocksDbStoreTest, TellsWhatItTakesOfTheDiskValuesInBlobFilesIncluded) {
  const TempDir dir;
  std::mt19937_64 random(1);
  const auto noise = [&](std::size_t bytes) {
    std::string text;
    while (text.size() < bytes) text += std::to_string(random());
    return text;
  };
  {
    const auto store = OpenRocksDb({.directory = dir.path(), .families = {"a"}});
    ASSERT_TRUE(store);
    EXPECT_EQ((*store)->Figures({}).disk_bytes, 0u);
    WriteBatch batch = {Put("a", "large", noise(1u << 20))};
    for (int i = 0; i < 1000; ++i) batch.push_back(Put("a", std::to_string(i), noise(1000)));
    ASSERT_TRUE((*store)->Commit(batch));
  }
  // What was in the log when it was closed goes to tables when it is opened.
  const auto store = OpenRocksDb({.directory = dir.path(), .families = {"a"}});
  ASSERT_TRUE(store);
  EXPECT_GE((*store)->Figures({}).disk_bytes, 1'400'000u);
  EXPECT_LE((*store)->Figures({}).disk_bytes, 2'500'000u);
}

TEST(RocksDbStoreTest, SaysWhichStateIsDamaged) {
  const TempDir dir;
  { ASSERT_TRUE(OpenRocksDb({.directory = dir.path(), .families = {"a"}})); }
  std::ofstream(dir.path() + "/CURRENT") << "MANIFEST-nonsense\n";
  const auto store = OpenRocksDb({.directory = dir.path(), .families = {"a"}});
  ASSERT_FALSE(store);
  EXPECT_NE(store.error().message.find(dir.path()), std::string::npos);
}

}  // namespace
}  // namespace winnow::state
