// A temporary folder for the tests of this room.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

namespace winnow::ingest {

class TestFolder {
 public:
  TestFolder() {
    std::string pattern = testing::TempDir() + "winnow-ingest-XXXXXX";
    path_ = mkdtemp(pattern.data());
  }
  ~TestFolder() { std::filesystem::remove_all(path_); }
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;

  void Write(const std::string& name, std::string_view bytes) const {
    const std::filesystem::path path = path_ / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << bytes;
  }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }
  std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

// Bytes that start like a BMP of this size; no decoder would take them.
inline std::string BmpHeader(std::uint32_t width, std::uint32_t height) {
  std::string bytes = "BM" + std::string(52, '\0');
  bytes[14] = 40;
  for (std::size_t i = 0; i < 4; ++i) {
    bytes[18 + i] = static_cast<char>(width >> (8 * i));
    bytes[22 + i] = static_cast<char>(height >> (8 * i));
  }
  return bytes;
}

}  // namespace winnow::ingest
