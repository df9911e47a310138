#include "libs/base/wire.h"

#include <bit>

namespace winnow {

WireWriter& WireWriter::Unsigned(std::uint64_t value, int bytes) {
  for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8) {
    bytes_.push_back(static_cast<char>((value >> shift) & 0xff));
  }
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
  for (const char byte : Take(static_cast<std::size_t>(bytes))) {
    value = value << 8 | static_cast<std::uint8_t>(byte);
  }
  return value;
}

double WireReader::Double() { return std::bit_cast<double>(U64()); }

}  // namespace winnow
