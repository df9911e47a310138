#include <algorithm>
#include <optional>

#include "libs/image/containers.h"
#include "libs/image/redact_task.h"

namespace winnow::image {
namespace {

constexpr std::uint8_t kSos = 0xda;
constexpr std::uint8_t kEoi = 0xd9;
constexpr std::uint8_t kApp0 = 0xe0;
constexpr std::uint8_t kApp1 = 0xe1;
constexpr std::uint8_t kApp2 = 0xe2;
constexpr std::uint8_t kApp13 = 0xed;
constexpr std::uint8_t kApp14 = 0xee;
constexpr std::uint8_t kCom = 0xfe;

constexpr std::string_view kJfif("JFIF\0", 5);
constexpr std::string_view kJfxx("JFXX\0", 5);
constexpr std::string_view kIcc("ICC_PROFILE\0", 12);
constexpr std::string_view kMpf("MPF\0", 4);

bool StartsWith(std::string_view bytes, std::string_view prefix) {
  return bytes.substr(0, prefix.size()) == prefix;
}

std::string Segment(std::uint8_t marker, std::string_view body) {
  const std::size_t length = body.size() + 2;
  std::string out = {'\xff', static_cast<char>(marker), static_cast<char>(length >> 8),
                     static_cast<char>(length & 0xff)};
  return out.append(body);
}

// Frame and scan headers and tables: what the picture itself needs.
bool IsPicture(std::uint8_t marker) {
  constexpr std::uint8_t kDqt = 0xdb;
  constexpr std::uint8_t kDri = 0xdd;
  constexpr std::uint8_t kJpg = 0xc8;
  return marker == kDqt || marker == kDri || marker == kSos ||
         (marker >= 0xc0 && marker <= 0xcf && marker != kJpg);
}

// JFIF 14 bytes: signature, version, density unit and values, thumbnail size. The thumbnail goes.
std::string PlainJfif(std::string_view body) {
  std::string plain(body.substr(0, 12));
  plain.append(2, '\0');
  return plain;
}

void AddKinds(const JpegSegment& segment, Kinds& kinds) {
  const std::string_view body = segment.body;
  if (segment.marker == kCom) {
    kinds.insert("comment");
  } else if (segment.marker == kApp1 && StartsWith(body, kJpegExifPrefix)) {
    kinds.merge(ExifKinds(body.substr(kJpegExifPrefix.size())));
  } else if (segment.marker == kApp1 && StartsWith(body, "http://ns.adobe.com/x")) {
    AddXmpKinds(body, kinds);
  } else if (segment.marker == kApp13 && StartsWith(body, "Photoshop")) {
    kinds.insert("iptc");
  } else if ((segment.marker == kApp2 && StartsWith(body, kMpf)) ||
             (segment.marker == kApp0 && StartsWith(body, kJfxx))) {
    kinds.insert("thumbnail");
  } else {
    kinds.insert("other");
  }
}

bool IsJfif(const JpegSegment& segment) {
  return segment.marker == kApp0 && StartsWith(segment.body, kJfif) && segment.body.size() >= 14;
}

bool IsProfile(const JpegSegment& segment) {
  return segment.marker == kApp2 && StartsWith(segment.body, kIcc);
}

// Adobe's segment tells how the colours are coded; without it they would come out wrong. What may
// follow its 12 bytes is nobody's.
bool IsAdobe(const JpegSegment& segment) {
  return segment.marker == kApp14 && StartsWith(segment.body, "Adobe") &&
         segment.body.size() >= 12;
}

// The segment as it may stay, or nothing.
std::optional<std::string> Kept(const JpegSegment& segment, Kinds& kinds) {
  if (IsJfif(segment)) {
    if (segment.body.size() > 14) kinds.insert("thumbnail");
    return Segment(kApp0, PlainJfif(segment.body));
  }
  if (IsAdobe(segment)) return Segment(kApp14, segment.body.substr(0, 12));
  if (IsPicture(segment.marker) || IsProfile(segment)) return Segment(segment.marker, segment.body);
  AddKinds(segment, kinds);
  return std::nullopt;
}

std::string OrientationSegment(int orientation) {
  return Segment(kApp1, std::string(kJpegExifPrefix) + OrientationExif(orientation));
}

// Reads marker after marker of a whole file, through all scans.
class Stripper {
 public:
  Stripper(std::string_view bytes, Kinds& kinds) : bytes_(bytes), kinds_(kinds) {}

  Result<std::string> Run(int orientation) {
    out_.reserve(bytes_.size());
    out_ = "\xff\xd8";
    at_ = 2;
    pending_ = orientation == 1 ? std::string() : OrientationSegment(orientation);
    while (NextMarker()) {
      if (marker_ == kEoi) return Finish();
      if (!CopySegment()) break;
    }
    return InputError("the JPEG file ends before its picture");
  }

 private:
  std::uint8_t Byte(std::size_t at) const { return static_cast<std::uint8_t>(bytes_[at]); }

  // Skips fill bytes and stray bytes, which decoders skip too.
  bool NextMarker() {
    while (at_ + 1 < bytes_.size()) {
      marker_ = Byte(at_ + 1);
      const bool standalone = marker_ <= 0x01 || (marker_ >= 0xd0 && marker_ <= 0xd8);
      if (Byte(at_) == 0xff && marker_ != 0xff && !standalone) {
        at_ += 2;
        return true;
      }
      ++at_;
    }
    return false;
  }

  bool CopySegment() {
    if (bytes_.size() - at_ < 2) return false;
    const std::size_t length = std::size_t{Byte(at_)} << 8 | Byte(at_ + 1);
    if (length < 2 || bytes_.size() - at_ < length) return false;
    const JpegSegment segment = {marker_, bytes_.substr(at_ + 2, length - 2)};
    at_ += length;
    // EXIF belongs behind JFIF, which must be first.
    if (!IsJfif(segment)) out_.append(std::exchange(pending_, {}));
    if (const auto kept = Kept(segment, kinds_)) out_.append(*kept);
    if (marker_ == kSos) CopyScan();
    return true;
  }

  // Up to the next marker that is not a restart.
  void CopyScan() {
    std::size_t end = at_;
    while (end < bytes_.size()) {
      end = std::min(bytes_.find('\xff', end), bytes_.size());
      // Like libjpeg: any number of FF bytes stands for one.
      const std::size_t after = std::min(bytes_.find_first_not_of('\xff', end), bytes_.size());
      if (after == bytes_.size()) break;
      const std::uint8_t next = Byte(after);
      if (next != 0 && (next < 0xd0 || next > 0xd7)) break;
      end = after + 1;
    }
    out_.append(bytes_.substr(at_, end - at_));
    at_ = end;
  }

  std::string Finish() {
    if (at_ < bytes_.size()) kinds_.insert("trailing_data");
    out_.append("\xff\xd9");
    return std::move(out_);
  }

  std::string_view bytes_;
  Kinds& kinds_;
  std::string out_;
  std::string pending_;
  std::size_t at_ = 0;
  std::uint8_t marker_ = 0;
};

}  // namespace

JpegMetadata PlanJpegMetadata(std::string_view bytes, int orientation) {
  JpegMetadata plan;
  if (orientation != 1) plan.segments.push_back(OrientationSegment(orientation));
  for (const JpegSegment& segment : JpegSegments(bytes)) {
    const auto kept = Kept(segment, plan.dropped);
    if (kept && IsProfile(segment)) plan.segments.push_back(*kept);
  }
  return plan;
}

Result<std::string> StripJpeg(const RedactTask& task, Kinds& kinds) {
  return Stripper(task.bytes, kinds).Run(task.frame.orientation);
}

}  // namespace winnow::image
