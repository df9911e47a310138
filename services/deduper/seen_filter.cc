#include "services/deduper/seen_filter.h"

#include <algorithm>
#include <cstring>

namespace winnow::deduper {
namespace {

constexpr std::size_t kFirstBlocks = 2048;
constexpr std::size_t kGrowth = 2;
constexpr std::size_t kEntriesPerBlock = 16;  // 16 bits each

// A digest is as good as random. One part of it chooses the block, another the bits.
struct Place {
  std::uint32_t block = 0;
  std::uint32_t bits = 0;
};

Place PlaceOf(const Sha256Digest& digest) {
  Place place;
  std::memcpy(&place.block, digest.data(), sizeof(place.block));
  std::memcpy(&place.bits, digest.data() + sizeof(place.block), sizeof(place.bits));
  return place;
}

std::size_t BlockOf(const Place& place, std::size_t blocks) {
  return static_cast<std::size_t>((std::uint64_t{place.block} * blocks) >> 32);
}

// The specification's.
constexpr std::array<std::uint32_t, 8> kSalts = {0x47b6137b, 0x44974d91, 0x8824ad5b, 0xa2b7289d,
                                                 0x705495c7, 0x2df1424b, 0x9efc4947, 0x5c6bfb31};

std::uint32_t BitOf(const Place& place, std::size_t word) {
  return std::uint32_t{1} << ((place.bits * kSalts[word]) >> 27);
}

}  // namespace

void SeenFilter::Add(const Sha256Digest& digest) {
  if (layers_.empty()) layers_.emplace_back().blocks.resize(kFirstBlocks);
  const std::size_t blocks = layers_.back().blocks.size();
  if (layers_.back().entries >= blocks * kEntriesPerBlock) {
    layers_.emplace_back().blocks.resize(blocks * kGrowth);
  }
  Layer& layer = layers_.back();
  const Place place = PlaceOf(digest);
  Block& block = layer.blocks[BlockOf(place, layer.blocks.size())];
  for (std::size_t word = 0; word < block.size(); ++word) block[word] |= BitOf(place, word);
  ++layer.entries;
}

bool SeenFilter::MayHold(const Sha256Digest& digest) const {
  const Place place = PlaceOf(digest);
  return std::any_of(layers_.rbegin(), layers_.rend(), [&](const Layer& layer) {
    const Block& block = layer.blocks[BlockOf(place, layer.blocks.size())];
    std::uint32_t missing = 0;
    for (std::size_t word = 0; word < block.size(); ++word) {
      missing |= ~block[word] & BitOf(place, word);
    }
    return missing == 0;
  });
}

std::size_t SeenFilter::MemoryBytes() const {
  std::size_t bytes = 0;
  for (const Layer& layer : layers_) bytes += layer.blocks.capacity() * sizeof(Block);
  return bytes;
}

}  // namespace winnow::deduper
