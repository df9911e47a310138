#include "libs/base/whole_file.h"

#include <cstddef>
#include <fstream>

namespace winnow {
namespace {

constexpr std::size_t kPiece = 64u << 10;

}  // namespace

std::optional<std::string> ReadWholeFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string bytes;
  std::size_t size = 0;
  while (file) {
    bytes.resize(size + kPiece);
    // Where reading fails, read() sets badbit; an istreambuf_iterator would throw.
    file.read(bytes.data() + size, kPiece);
    size += static_cast<std::size_t>(file.gcount());
  }
  if (!file.is_open() || file.bad()) return std::nullopt;
  bytes.resize(size);
  return bytes;
}

}  // namespace winnow
