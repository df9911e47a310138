#include <utility>
#include <vector>

#include "libs/testing/images.h"

namespace winnow::testing {
namespace {

void Append16(std::string& out, std::uint32_t value) {
  out += static_cast<char>(value & 0xff);
  out += static_cast<char>(value >> 8 & 0xff);
}

void Append32(std::string& out, std::uint32_t value) {
  Append16(out, value & 0xffff);
  Append16(out, value >> 16);
}

enum Type : std::uint32_t { kAscii = 2, kShort = 3, kLong = 4, kRational = 5, kUndefined = 7 };

// One directory, little-endian, followed by the values that do not fit its entries.
class Ifd {
 public:
  explicit Ifd(std::uint32_t offset, std::uint32_t entries)
      : values_at_(offset + 2 + 12 * entries + 4), wanted_(entries) {}

  void Add(std::uint32_t tag, Type type, std::uint32_t count, std::uint32_t value) {
    Append16(entries_, tag);
    Append16(entries_, type);
    Append32(entries_, count);
    Append32(entries_, value);
    ++added_;
  }
  void AddBytes(std::uint32_t tag, Type type, std::uint32_t count, const std::string& value) {
    Add(tag, type, count, end());
    values_ += value;
    if (values_.size() % 2 != 0) values_ += '\0';
  }
  void AddText(std::uint32_t tag, const std::string& text) {
    AddBytes(tag, kAscii, static_cast<std::uint32_t>(text.size() + 1), text + '\0');
  }
  std::uint32_t end() const { return values_at_ + static_cast<std::uint32_t>(values_.size()); }
  std::string Finish(std::uint32_t next) const {
    std::string out;
    Append16(out, added_);
    out += entries_;
    Append32(out, next);
    // Entries announced but not added would move the values.
    out.resize(out.size() + 12 * (wanted_ - added_), '\0');
    return out + values_;
  }

 private:
  std::uint32_t values_at_;
  std::uint32_t wanted_;
  std::uint32_t added_ = 0;
  std::string entries_;
  std::string values_;
};

std::string Rationals(std::initializer_list<std::uint32_t> values) {
  std::string out;
  for (const std::uint32_t value : values) {
    Append32(out, value);
    Append32(out, 1);
  }
  return out;
}

std::string Secret(const char* what) { return std::string(kSecret) + "-" + what; }

Ifd CameraIfd(std::uint32_t offset) {
  Ifd ifd(offset, 2);
  const std::string note = Secret("maker-note");
  ifd.AddBytes(0x927c, kUndefined, static_cast<std::uint32_t>(note.size()), note);
  ifd.AddText(0xa431, Secret("serial"));
  return ifd;
}

Ifd GpsIfd(std::uint32_t offset) {
  Ifd ifd(offset, 4);
  ifd.Add(1, kAscii, 2, 'N');
  ifd.AddBytes(2, kRational, 3, Rationals({43, 28, 2}));
  ifd.Add(3, kAscii, 2, 'E');
  ifd.AddBytes(4, kRational, 3, Rationals({11, 53, 6}));
  return ifd;
}

std::string ThumbnailOf(const MakeImageOptions& options) {
  MakeImageOptions small;
  small.width = 80;
  small.height = 60;
  small.seed = options.seed;
  small.quality = 50;
  return MakeJpeg(small);
}

Ifd ThumbnailIfd(std::uint32_t offset, const std::string& jpeg) {
  Ifd ifd(offset, 3);
  ifd.Add(0x0103, kShort, 1, 6);
  ifd.AddBytes(0x0201, kLong, 1, jpeg);
  ifd.Add(0x0202, kLong, 1, static_cast<std::uint32_t>(jpeg.size()));
  return ifd;
}

constexpr std::uint32_t kFirstIfd = 8;

std::string PrivateBlocks(const MakeImageOptions& options) {
  Ifd first(kFirstIfd, 4);
  first.AddText(0x010e, Secret("description"));
  first.Add(0x0112, kShort, 1, static_cast<std::uint32_t>(options.orientation));
  const std::uint32_t camera_at = first.end();
  const Ifd camera = CameraIfd(camera_at);
  const Ifd gps = GpsIfd(camera.end());
  const Ifd thumbnail = ThumbnailIfd(gps.end(), ThumbnailOf(options));
  first.Add(0x8769, kLong, 1, camera_at);
  first.Add(0x8825, kLong, 1, camera.end());
  return first.Finish(gps.end()) + camera.Finish(0) + gps.Finish(0) + thumbnail.Finish(0);
}

}  // namespace

std::string MakeExif(const MakeImageOptions& options) {
  std::string out("II*\0", 4);
  Append32(out, kFirstIfd);
  if (options.private_metadata) return out + PrivateBlocks(options);
  Ifd first(kFirstIfd, 1);
  first.Add(0x0112, kShort, 1, static_cast<std::uint32_t>(options.orientation));
  return out + first.Finish(0);
}

}  // namespace winnow::testing
