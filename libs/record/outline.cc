#include "libs/record/outline.h"

#include <cstdint>
#include <optional>

#include "winnow/v1/image_record.pb.h"

namespace winnow::record {
namespace {

using Record = winnow::v1::ImageRecord;

constexpr int kTypeBits = 3;
constexpr std::uint64_t kTypeMask = (1u << kTypeBits) - 1;
enum WireType : std::uint64_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

// What says much and is looked at by few.
bool IsOutline(std::uint64_t field) {
  switch (field) {
    case Record::kAttributesFieldNumber:
    case Record::kAnnotationsFieldNumber:
    case Record::kConsentFieldNumber:
    case Record::kRedactionFieldNumber:
    case Record::kHistoryFieldNumber: return false;
    default: return true;
  }
}

class Fields {
 public:
  explicit Fields(std::string_view bytes) : rest_(bytes) {}

  bool empty() const { return rest_.empty(); }

  std::optional<std::uint64_t> Varint() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64 && !rest_.empty(); shift += 7) {
      const auto byte = static_cast<std::uint8_t>(rest_.front());
      rest_.remove_prefix(1);
      value |= std::uint64_t{byte & 0x7fu} << shift;
      if (byte < 0x80) return value;
    }
    return std::nullopt;
  }

  bool Skip(std::uint64_t type) {
    switch (type) {
      case kVarint: return Varint().has_value();
      case kFixed64: return Drop(8);
      case kFixed32: return Drop(4);
      case kBytes: {
        const std::optional<std::uint64_t> size = Varint();
        return size && Drop(*size);
      }
      default: return false;
    }
  }

  const char* at() const { return rest_.data(); }

 private:
  bool Drop(std::uint64_t size) {
    if (size > rest_.size()) return false;
    rest_.remove_prefix(size);
    return true;
  }

  std::string_view rest_;
};

}  // namespace

bool Part(std::string_view bytes, Parted& parted) {
  parted.outline.clear();
  parted.rest.clear();
  Fields fields(bytes);
  while (!fields.empty()) {
    const char* const begin = fields.at();
    const std::optional<std::uint64_t> tag = fields.Varint();
    if (!tag || !fields.Skip(*tag & kTypeMask)) return false;
    const bool rest = (*tag & kTypeMask) == kBytes && !IsOutline(*tag >> kTypeBits);
    (rest ? parted.rest : parted.outline).append(begin, fields.at());
  }
  return true;
}

}  // namespace winnow::record
