#include "libs/base/wire.h"

#include <array>
#include <bit>

namespace winnow {

WireWriter& WireWriter::Unsigned(std::uint64_t value, int bytes) {
  std::array<char, sizeof(value)> text;
  for (char& byte : text) {
    byte = static_cast<char>(value >> 56);
    value <<= 8;
  }
  bytes_.append(text.end() - bytes, text.end());
  return *this;
}

WireWriter& WireWriter::Double(double value) { return U64(std::bit_cast<std::uint64_t>(value)); }

WireWriter& WireWriter::Text(std::string_view value) {
  return U32(static_cast<std::uint32_t>(value.size())).Raw(value);
}

std::string_view WireReader::Take(std::size_t size) {
  if (size > rest_.size()) {
    whole_ = false;
    rest_ = {};
    return {};
  }
  const std::string_view taken = rest_.substr(0, size);
  rest_.remove_prefix(size);
  return taken;
}

std::uint64_t WireReader::Unsigned(int bytes) {
  std::uint64_t value = 0;
  if (bytes == sizeof(value) && rest_.size() >= sizeof(value)) {
    for (std::size_t i = 0; i < sizeof(value); ++i) {
      value = value << 8 | static_cast<std::uint8_t>(rest_[i]);
    }
    rest_.remove_prefix(sizeof(value));
    return value;
  }
  for (const char byte : Take(static_cast<std::size_t>(bytes))) {
    value = value << 8 | static_cast<std::uint8_t>(byte);
  }
  return value;
}

double WireReader::Double() { return std::bit_cast<double>(U64()); }

}  // namespace winnow
