#include "libs/image/exif_block.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace winnow::image {
namespace {

// Real files have under 200 entries in an IFD and under 10 IFDs.
constexpr std::size_t kMaxEntries = 1000;
constexpr std::size_t kMaxIfds = 32;

class TiffView {
 public:
  explicit TiffView(std::string_view bytes) : bytes_(bytes) {
    big_endian_ = bytes.substr(0, 4) == std::string_view("MM\0*", 4);
    valid_ = big_endian_ || bytes.substr(0, 4) == std::string_view("II*\0", 4);
  }

  bool valid() const { return valid_; }

  std::optional<std::uint32_t> Read(std::size_t offset, std::size_t size) const {
    if (offset > bytes_.size() || bytes_.size() - offset < size) return std::nullopt;
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < size; ++i) {
      const std::size_t at = big_endian_ ? offset + i : offset + size - 1 - i;
      value = value << 8 | static_cast<std::uint8_t>(bytes_[at]);
    }
    return value;
  }
  std::uint32_t U16(std::size_t offset) const { return Read(offset, 2).value_or(0); }
  std::uint32_t U32(std::size_t offset) const { return Read(offset, 4).value_or(0); }

 private:
  std::string_view bytes_;
  bool big_endian_ = false;
  bool valid_ = false;
};

std::size_t EntryCount(const TiffView& tiff, std::size_t ifd) {
  const std::size_t count = tiff.U16(ifd);
  return count < kMaxEntries ? count : kMaxEntries;
}

struct TagKind {
  std::uint32_t tag;
  const char* kind;
};
constexpr std::array kTagKinds = {
    TagKind{0x8825, "gps"},        TagKind{0x927c, "maker_note"}, TagKind{0xa431, "serial"},
    TagKind{0xa435, "serial"},     TagKind{0xa430, "serial"},     TagKind{0xc62f, "serial"},
    TagKind{0xa420, "serial"},     TagKind{0x0201, "thumbnail"},  TagKind{0x02bc, "xmp"},
    TagKind{0x83bb, "iptc"},       TagKind{0x8649, "iptc"},       TagKind{0xc634, "maker_note"},
    TagKind{0x010e, "comment"},    TagKind{0x9286, "comment"},
};
constexpr std::uint32_t kExifIfd = 0x8769;
constexpr std::uint32_t kSubIfds = 0x014a;

void CollectKinds(const TiffView& tiff, std::size_t entry, Kinds& kinds,
                  std::vector<std::size_t>& ifds) {
  const std::uint32_t tag = tiff.U16(entry);
  if (tag == kExifIfd || tag == kSubIfds) ifds.push_back(tiff.U32(entry + 8));
  for (const TagKind& known : kTagKinds) {
    if (known.tag == tag) kinds.insert(known.kind);
  }
}

}  // namespace

int ExifOrientation(std::string_view bytes) {
  const TiffView tiff(bytes);
  if (!tiff.valid()) return 1;
  const std::size_t ifd = tiff.U32(4);
  for (std::size_t i = 0; i < EntryCount(tiff, ifd); ++i) {
    const std::size_t entry = ifd + 2 + 12 * i;
    if (tiff.U16(entry) != 0x0112) continue;
    const bool is_long = tiff.U16(entry + 2) == 4;
    const std::uint32_t value = is_long ? tiff.U32(entry + 8) : tiff.U16(entry + 8);
    return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
  }
  return 1;
}

Kinds ExifKinds(std::string_view bytes) {
  Kinds kinds = {"exif"};
  const TiffView tiff(bytes);
  if (!tiff.valid()) return kinds;
  std::vector<std::size_t> ifds = {tiff.U32(4)};
  for (std::size_t next = 0; next < ifds.size() && next < kMaxIfds; ++next) {
    const std::size_t ifd = ifds[next];
    const std::size_t count = EntryCount(tiff, ifd);
    for (std::size_t i = 0; i < count; ++i) CollectKinds(tiff, ifd + 2 + 12 * i, kinds, ifds);
    if (const std::size_t chained = tiff.U32(ifd + 2 + 12 * count); chained != 0) {
      ifds.push_back(chained);
    }
  }
  return kinds;
}

std::string OrientationExif(int orientation) {
  std::string block("II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0", 18);
  block += static_cast<char>(orientation);
  block.append(7, '\0');  // rest of the value, then "no next IFD"
  return block;
}

}  // namespace winnow::image
