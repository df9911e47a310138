#include "services/deduper/bit_scan.h"

#include <algorithm>
#include <bit>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace winnow::deduper {
namespace {

// What is not done of a range.
template <class Lane>
inline ScanRange<Lane> Rest(const ScanRange<Lane>& range, std::uint32_t done) {
  return {.lanes = range.lanes + done,
          .count = range.count - done,
          .first = range.first + done,
          .origin = range.origin,
          .value = range.value,
          .limit = range.limit};
}

template <class Lane>
ScanRange<Lane>* ScanPortable(ScanRange<Lane>* at, ScanRange<Lane>* end, ScanHits& hits) {
  constexpr std::uint32_t kLanes = ScanHits::kBlock;
  for (; at < end; ++at) {
    const ScanRange<Lane> range = *at;
    for (std::uint32_t block = 0; block < range.count; block += kLanes) {
      if (!hits.HasRoom()) {
        *at = Rest(range, block);
        return at;
      }
      const std::uint32_t block_end = std::min(range.count, block + kLanes);
      for (std::uint32_t i = block; i < block_end; ++i) {
        const auto difference = static_cast<Lane>(range.lanes[i] ^ range.value);
        if (std::popcount(difference) <= range.limit) hits.Add(range.origin, range.first + i);
      }
    }
  }
  return at;
}

void DistancesPortable(const std::uint64_t* base, const std::uint32_t* ids, std::size_t count,
                       const std::uint64_t* query, std::uint16_t* distances) {
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint64_t* entry = base + std::size_t{4} * ids[i];
    int distance = 0;
    for (int word = 0; word < 4; ++word) distance += std::popcount(entry[word] ^ query[word]);
    distances[i] = static_cast<std::uint16_t>(distance);
  }
}

constexpr BitScan kPortable = {ScanKind::kPortable, "portable", ScanPortable<std::uint16_t>,
                               ScanPortable<std::uint32_t>, DistancesPortable};

#if defined(__x86_64__)

// Four independent popcnt instructions are as fast as a vector here: each entry is a cache miss.
__attribute__((target("popcnt"))) void DistancesPopcnt(const std::uint64_t* base,
                                                       const std::uint32_t* ids, std::size_t count,
                                                       const std::uint64_t* query,
                                                       std::uint16_t* distances) {
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint64_t* entry = base + std::size_t{4} * ids[i];
    int distance = 0;
    for (int word = 0; word < 4; ++word) {
      distance += __builtin_popcountll(entry[word] ^ query[word]);
    }
    distances[i] = static_cast<std::uint16_t>(distance);
  }
}

// Bits set in each byte: two table look-ups of four bits (Mula, Kurz, Lemire: Faster Population
// Counts Using AVX2 Instructions, 2018).
__attribute__((target("avx2"))) inline __m256i CountInBytes(__m256i bits) {
  const __m256i counts = _mm256_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4,  //
                                          0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4);
  const __m256i nibble = _mm256_set1_epi8(0x0f);
  const __m256i low = _mm256_and_si256(bits, nibble);
  const __m256i high = _mm256_and_si256(_mm256_srli_epi16(bits, 4), nibble);
  return _mm256_add_epi8(_mm256_shuffle_epi8(counts, low), _mm256_shuffle_epi8(counts, high));
}

// One bit a byte, set in all bytes of the lanes that are near enough.
template <class Lane>
__attribute__((target("avx2"))) inline std::uint32_t NearAvx2(const Lane* lanes, __m256i value,
                                                              __m256i limit) {
  const __m256i entries = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(lanes));
  const __m256i bytes = CountInBytes(_mm256_xor_si256(entries, value));
  const __m256i pairs = _mm256_maddubs_epi16(bytes, _mm256_set1_epi8(1));
  __m256i far;
  if constexpr (sizeof(Lane) == 2) {
    far = _mm256_cmpgt_epi16(pairs, limit);
  } else {
    far = _mm256_cmpgt_epi32(_mm256_madd_epi16(pairs, _mm256_set1_epi16(1)), limit);
  }
  return ~static_cast<std::uint32_t>(_mm256_movemask_epi8(far));
}

template <class Lane>
__attribute__((target("avx2"))) ScanRange<Lane>* ScanAvx2(ScanRange<Lane>* at, ScanRange<Lane>* end,
                                                          ScanHits& hits) {
  constexpr std::uint32_t kLanes = 32 / sizeof(Lane);
  constexpr std::uint32_t kOneLane = (1u << sizeof(Lane)) - 1;
  for (; at < end; ++at) {
    const ScanRange<Lane> range = *at;
    const __m256i value = sizeof(Lane) == 2 ? _mm256_set1_epi16(static_cast<short>(range.value))
                                            : _mm256_set1_epi32(static_cast<int>(range.value));
    const __m256i limit = sizeof(Lane) == 2
                              ? _mm256_set1_epi16(static_cast<short>(range.limit))
                              : _mm256_set1_epi32(range.limit);
    for (std::uint32_t block = 0; block < range.count; block += kLanes) {
      if (!hits.HasRoom()) {
        *at = Rest(range, block);
        return at;
      }
      const std::uint32_t lanes = std::min(range.count - block, kLanes);
      const auto wanted =
          static_cast<std::uint32_t>((std::uint64_t{1} << (lanes * sizeof(Lane))) - 1);
      std::uint32_t near = NearAvx2(range.lanes + block, value, limit) & wanted;
      while (near != 0) {
        const auto byte = static_cast<std::uint32_t>(__builtin_ctz(near));
        constexpr auto kBytes = static_cast<std::uint32_t>(sizeof(Lane));
        hits.Add(range.origin, range.first + block + byte / kBytes);
        near ^= kOneLane << byte;
      }
    }
  }
  return at;
}

#define WINNOW_AVX512 __attribute__((target("avx512bw,avx512vl,avx512bitalg,avx512vpopcntdq")))

// One bit a lane that is near enough.
WINNOW_AVX512 inline std::uint32_t NearAvx512(const std::uint16_t* lanes, std::uint32_t wanted,
                                              std::uint16_t value, std::uint16_t limit) {
  const __m512i entries = _mm512_maskz_loadu_epi16(wanted, lanes);
  const __m512i difference = _mm512_xor_si512(entries, _mm512_set1_epi16(static_cast<short>(value)));
  return _mm512_mask_cmple_epu16_mask(wanted, _mm512_popcnt_epi16(difference),
                                      _mm512_set1_epi16(static_cast<short>(limit)));
}

WINNOW_AVX512 inline std::uint32_t NearAvx512(const std::uint32_t* lanes, std::uint32_t wanted,
                                              std::uint32_t value, std::uint16_t limit) {
  const auto mask = static_cast<__mmask16>(wanted);
  const __m512i entries = _mm512_maskz_loadu_epi32(mask, lanes);
  const __m512i difference = _mm512_xor_si512(entries, _mm512_set1_epi32(static_cast<int>(value)));
  return _mm512_mask_cmple_epu32_mask(mask, _mm512_popcnt_epi32(difference),
                                      _mm512_set1_epi32(limit));
}

template <class Lane>
WINNOW_AVX512 ScanRange<Lane>* ScanAvx512(ScanRange<Lane>* at, ScanRange<Lane>* end,
                                          ScanHits& hits) {
  constexpr std::uint32_t kLanes = 64 / sizeof(Lane);
  for (; at < end; ++at) {
    const ScanRange<Lane> range = *at;
    for (std::uint32_t block = 0; block < range.count; block += kLanes) {
      if (!hits.HasRoom()) {
        *at = Rest(range, block);
        return at;
      }
      const std::uint32_t lanes = std::min(range.count - block, kLanes);
      const auto wanted = static_cast<std::uint32_t>((std::uint64_t{1} << lanes) - 1);
      std::uint32_t near =
          NearAvx512(range.lanes + block, wanted, range.value, range.limit);
      for (; near != 0; near &= near - 1) {
        const auto lane = static_cast<std::uint32_t>(__builtin_ctz(near));
        hits.Add(range.origin, range.first + block + lane);
      }
    }
  }
  return at;
}

constexpr BitScan kAvx2 = {ScanKind::kAvx2, "AVX2", ScanAvx2<std::uint16_t>,
                           ScanAvx2<std::uint32_t>, DistancesPopcnt};
constexpr BitScan kAvx512 = {ScanKind::kAvx512, "AVX-512", ScanAvx512<std::uint16_t>,
                             ScanAvx512<std::uint32_t>, DistancesPopcnt};

bool HasAvx2() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("popcnt"); }

bool HasAvx512() {
  return HasAvx2() && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512bitalg") && __builtin_cpu_supports("avx512vpopcntdq");
}

#endif

}  // namespace

const BitScan* FindBitScan(ScanKind kind) {
#if defined(__x86_64__)
  if (kind == ScanKind::kAvx512) return HasAvx512() ? &kAvx512 : nullptr;
  if (kind == ScanKind::kAvx2) return HasAvx2() ? &kAvx2 : nullptr;
#endif
  return kind == ScanKind::kPortable ? &kPortable : nullptr;
}

const BitScan& BestBitScan() {
  for (const ScanKind kind : {ScanKind::kAvx512, ScanKind::kAvx2}) {
    if (const BitScan* scan = FindBitScan(kind)) return *scan;
  }
  return kPortable;
}

}  // namespace winnow::deduper
