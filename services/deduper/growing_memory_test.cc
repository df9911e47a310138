#include "services/deduper/growing_memory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>

#include <filesystem>
#include <string>

namespace winnow::deduper {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMegabyte = 1u << 20;
constexpr std::size_t kHole = GrowingMemory::kHole;

enum class Place { kMemory, kFile };

class GrowingMemoryTest : public testing::TestWithParam<Place> {
 protected:
  static GrowingMemory Empty() {
    if (GetParam() == Place::kMemory) return GrowingMemory();
    return GrowingMemory::InFile(fs::temp_directory_path()).value();
  }
  static std::size_t Held(const GrowingMemory& array) {
    return array.in_file() ? array.DiskBytes() : array.MemoryBytes();
  }
};

INSTANTIATE_TEST_SUITE_P(Places, GrowingMemoryTest, testing::Values(Place::kMemory, Place::kFile),
                         [](const auto& place) {
                           return place.param == Place::kMemory ? "Memory" : "File";
                         });

TEST_P(GrowingMemoryTest, KeepsItsBytesWhileItGrows) {
  GrowingMemory array = Empty();
  std::size_t filled = 0;
  for (const std::size_t size : {1 * kMegabyte, 3 * kMegabyte, 9 * kMegabyte, 40 * kMegabyte}) {
    ASSERT_TRUE(array.Resize(size));
    for (; filled < size; filled += 4096) {
      EXPECT_EQ(array.data()[filled], std::byte{0});
      array.data()[filled] = std::byte{static_cast<unsigned char>(filled / 4096 % 251)};
    }
  }
  for (std::size_t i = 0; i < filled; i += 4096) {
    ASSERT_EQ(array.data()[i], std::byte{static_cast<unsigned char>(i / 4096 % 251)}) << i;
  }
}

TEST_P(GrowingMemoryTest, CountsWhatItHolds) {
  GrowingMemory array = Empty();
  EXPECT_EQ(Held(array), 0u);
  ASSERT_TRUE(array.Resize(5 * kMegabyte));
  EXPECT_GE(Held(array), 5 * kMegabyte + GrowingMemory::kPadding);
  EXPECT_LE(Held(array), 5 * kMegabyte + 32'768);
  ASSERT_TRUE(array.Resize(kMegabyte));
  EXPECT_LE(Held(array), kMegabyte + 32'768);
  ASSERT_TRUE(array.Resize(0));
  EXPECT_EQ(Held(array), 0u);
}

TEST_P(GrowingMemoryTest, ForgetsWhatWasCutOff) {
  GrowingMemory array = Empty();
  ASSERT_TRUE(array.Resize(kMegabyte));
  array.data()[0] = std::byte{1};
  array.data()[kMegabyte - 1] = std::byte{2};
  ASSERT_TRUE(array.Resize(1));
  ASSERT_TRUE(array.Resize(kMegabyte));
  EXPECT_EQ(array.data()[0], std::byte{1});
  EXPECT_EQ(array.data()[kMegabyte - 1], std::byte{0});
}

TEST_P(GrowingMemoryTest, LetsAVectorLoadOvershoot) {
  GrowingMemory array = Empty();
  ASSERT_TRUE(array.Resize(32'768));
  EXPECT_EQ(array.data()[32'767 + GrowingMemory::kPadding], std::byte{0});
}

TEST_P(GrowingMemoryTest, HoldsOnlyTheStretchesItWasAskedTo) {
  GrowingMemory array = Empty();
  ASSERT_TRUE(array.ExtendSparse(1000 * kHole));
  EXPECT_EQ(Held(array), 0u);
  EXPECT_EQ(array.data()[500 * kHole], std::byte{0});
  ASSERT_TRUE(array.Hold(998 * kHole, kHole));
  ASSERT_TRUE(array.Hold(999 * kHole, kHole));
  array.data()[999 * kHole] = std::byte{7};
  array.data()[1000 * kHole - 1] = std::byte{8};
  EXPECT_EQ(Held(array), 2 * kHole);
  array.Discard(999 * kHole, kHole);
  EXPECT_EQ(Held(array), kHole);
  EXPECT_EQ(array.data()[999 * kHole], std::byte{0});
  ASSERT_TRUE(array.Hold(999 * kHole, kHole));
  EXPECT_EQ(array.data()[1000 * kHole - 1], std::byte{0});
}

TEST_P(GrowingMemoryTest, IsMovedWithItsBytes) {
  GrowingMemory array = Empty();
  ASSERT_TRUE(array.Resize(kMegabyte));
  array.data()[123] = std::byte{5};
  GrowingMemory moved = std::move(array);
  EXPECT_EQ(moved.data()[123], std::byte{5});
  moved = Empty();
  EXPECT_EQ(Held(moved), 0u);
}

TEST(GrowingMemoryInFileTest, TakesItsBytesAlongToTheFile) {
  GrowingMemory array;
  ASSERT_TRUE(array.Resize(3 * kMegabyte));
  array.data()[3 * kMegabyte - 1] = std::byte{5};
  ASSERT_TRUE(array.MoveToFile(fs::temp_directory_path()));
  EXPECT_TRUE(array.in_file());
  EXPECT_EQ(array.MemoryBytes(), 0u);
  EXPECT_EQ(array.data()[3 * kMegabyte - 1], std::byte{5});
  ASSERT_TRUE(array.Resize(9 * kMegabyte));
  EXPECT_EQ(array.data()[3 * kMegabyte - 1], std::byte{5});
  EXPECT_EQ(array.data()[9 * kMegabyte - 1], std::byte{0});
}

TEST(GrowingMemoryInFileTest, NamesADirectoryItCannotWriteTo) {
  const auto array = GrowingMemory::InFile("/does/not/exist");
  ASSERT_FALSE(array);
  EXPECT_EQ(array.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(array.error().message, testing::HasSubstr("/does/not/exist"));
}

TEST(GrowingMemoryInFileTest, RefusesToGrowBeyondTheDiskAndKeepsWhatItHas) {
  const fs::path directory = fs::path(testing::TempDir()) / "growing_memory_small_disk";
  fs::create_directories(directory);
  if (::mount("tmpfs", directory.c_str(), "tmpfs", 0, "size=3m") != 0) {
    GTEST_SKIP() << "needs the right to mount a tmpfs";
  }
  {
    GrowingMemory array = GrowingMemory::InFile(directory).value();
    ASSERT_TRUE(array.Resize(kMegabyte));
    array.data()[7] = std::byte{9};
    const std::size_t held = array.DiskBytes();
    const Status grown = array.Resize(4 * kMegabyte);
    ASSERT_FALSE(grown);
    EXPECT_EQ(grown.error().code, ErrorCode::kUnavailable);
    EXPECT_THAT(grown.error().message, testing::HasSubstr(directory.string()));
    EXPECT_EQ(array.DiskBytes(), held);
    EXPECT_EQ(array.data()[7], std::byte{9});
    ASSERT_TRUE(array.Resize(2 * kMegabyte));
    EXPECT_EQ(array.data()[2 * kMegabyte - 1], std::byte{0});

    GrowingMemory large;
    ASSERT_TRUE(large.Resize(4 * kMegabyte));
    EXPECT_FALSE(large.MoveToFile(directory));
    EXPECT_FALSE(large.in_file());
    EXPECT_FALSE(array.ExtendSparse(8 * kMegabyte) && array.Hold(4 * kMegabyte, 2 * kMegabyte));
  }
  ::umount(directory.c_str());
  fs::remove(directory);
}

}  // namespace
}  // namespace winnow::deduper
