#include "services/deduper/bit_scan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <random>
#include <string>
#include <vector>

namespace winnow::deduper {
namespace {

using Random = std::mt19937_64;

constexpr std::size_t kPadding = 64;

std::string NameOf(ScanKind kind) {
  if (kind == ScanKind::kPortable) return "Portable";
  return kind == ScanKind::kAvx2 ? "Avx2" : "Avx512";
}

template <class Lane>
ScanFunction<Lane> FunctionOf(const BitScan& scan) {
  if constexpr (sizeof(Lane) == 2) {
    return scan.scan16;
  } else {
    return scan.scan32;
  }
}

// Lanes that are 0 to 6 bits off `value`, with something equal to it behind the end.
template <class Lane>
std::vector<Lane> LanesNear(Lane value, std::size_t count, Random& random) {
  std::vector<Lane> lanes(count + kPadding, value);
  for (std::size_t i = 0; i < count; ++i) {
    for (std::uint64_t flips = random() % 7; flips > 0; --flips) {
      lanes[i] = static_cast<Lane>(lanes[i] ^ (Lane{1} << (random() % (8 * sizeof(Lane)))));
    }
  }
  return lanes;
}

class BitScanTest : public testing::TestWithParam<ScanKind> {
 protected:
  void SetUp() override {
    scan_ = FindBitScan(GetParam());
    if (scan_ == nullptr) GTEST_SKIP() << "this processor cannot";
  }

  template <class Lane>
  std::vector<ScanHits::Hit> Scan(std::vector<ScanRange<Lane>> ranges) const {
    std::vector<ScanHits::Hit> found;
    ScanHits hits;
    ScanRange<Lane>* at = ranges.data();
    ScanRange<Lane>* const end = at + ranges.size();
    bool done = false;
    while (!done) {
      at = FunctionOf<Lane>(*scan_)(at, end, hits);
      done = at == end;
      for (std::size_t i = 0; i < hits.count; ++i) found.push_back(hits.hits[i]);
      hits.count = 0;
    }
    return found;
  }

  template <class Lane>
  void ExpectFindsTheNearInOrder() {
    Random random(1);
    for (std::uint32_t count = 0; count <= 130; ++count) {
      const auto value = static_cast<Lane>(random());
      const std::vector<Lane> lanes = LanesNear(value, count, random);
      for (std::uint16_t limit = 0; limit <= 3; ++limit) {
        std::vector<ScanHits::Hit> expected;
        for (std::uint32_t i = 0; i < count; ++i) {
          const auto difference = static_cast<Lane>(lanes[i] ^ value);
          if (std::popcount(difference) <= limit) expected.push_back({7, 1000 + i});
        }
        EXPECT_EQ(Scan<Lane>({{lanes.data(), count, 1000, 7, value, limit}}), expected);
      }
    }
  }

  template <class Lane>
  void ExpectStopsWhenFull() {
    constexpr std::uint32_t kCount = 5000;
    const std::vector<Lane> lanes(kCount + kPadding, Lane{9});
    const ScanRange<Lane> one = {lanes.data(), kCount, 0, 1, Lane{9}, 0};
    const ScanRange<Lane> other = {lanes.data(), kCount, 10, 2, Lane{9}, 0};
    std::vector<ScanHits::Hit> expected;
    for (std::uint32_t i = 0; i < kCount; ++i) expected.push_back({1, i});
    for (std::uint32_t i = 0; i < kCount; ++i) expected.push_back({2, 10 + i});
    EXPECT_EQ(Scan<Lane>({one, {}, other}), expected);
  }

  const BitScan* scan_ = nullptr;
};

INSTANTIATE_TEST_SUITE_P(Kinds, BitScanTest,
                         testing::Values(ScanKind::kPortable, ScanKind::kAvx2, ScanKind::kAvx512),
                         [](const auto& kind) { return NameOf(kind.param); });

TEST_P(BitScanTest, IsTheKindThatWasAskedFor) { EXPECT_EQ(scan_->kind, GetParam()); }

TEST_P(BitScanTest, FindsShortLanesThatAreNear) { ExpectFindsTheNearInOrder<std::uint16_t>(); }

TEST_P(BitScanTest, FindsLongLanesThatAreNear) { ExpectFindsTheNearInOrder<std::uint32_t>(); }

TEST_P(BitScanTest, StopsWhenTheHitsAreFullAndGoesOnFromThere) {
  ExpectStopsWhenFull<std::uint16_t>();
  ExpectStopsWhenFull<std::uint32_t>();
}

TEST_P(BitScanTest, CountsTheBitsInWhichFingerprintsDiffer) {
  Random random(2);
  std::vector<std::uint64_t> words(4 * 100);
  for (std::uint64_t& word : words) word = random();
  for (std::size_t i = 0; i < 4; ++i) words[4 * 17 + i] = ~words[i];
  const std::vector<std::uint32_t> ids = {0, 17, 3, 99, 3};
  std::vector<std::uint16_t> distances(ids.size());
  scan_->distances(words.data(), ids.data(), ids.size(), words.data(), distances.data());
  EXPECT_EQ(distances[0], 0);
  EXPECT_EQ(distances[1], 256);
  for (std::size_t i = 2; i < ids.size(); ++i) {
    int expected = 0;
    for (std::size_t w = 0; w < 4; ++w) {
      expected += std::popcount(words[4 * ids[i] + w] ^ words[w]);
    }
    EXPECT_EQ(distances[i], expected);
  }
}

TEST(BestBitScanTest, IsOneThatThisProcessorCanRun) {
  EXPECT_EQ(FindBitScan(BestBitScan().kind), &BestBitScan());
  EXPECT_NE(FindBitScan(ScanKind::kPortable), nullptr);
}

}  // namespace
}  // namespace winnow::deduper
