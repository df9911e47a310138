// make_pictures DIR COUNT [WIDTH HEIGHT]: writes COUNT files as a folder source would meet them:
// mostly distinct pictures, every tenth a copy of an earlier one, every fifteenth cut off. Same
// arguments, same bytes.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>

#include "libs/testing/images.h"

namespace {

std::string Contents(std::uint32_t index, std::uint32_t width, std::uint32_t height) {
  winnow::testing::MakeImageOptions options;
  options.width = width;
  options.height = height;
  options.seed = index % 10 == 9 ? index - 5 : index;
  if (index % 13 == 12) return winnow::testing::MakePng(options);
  std::string bytes = winnow::testing::MakeJpeg(options);
  if (index % 15 == 14) bytes.resize(bytes.size() / 2);
  return bytes;
}

std::uint32_t Number(const char* text) {
  return static_cast<std::uint32_t>(std::strtoul(text, nullptr, 10));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3 && argc != 5) {
    std::cerr << "usage: make_pictures DIR COUNT [WIDTH HEIGHT]\n";
    return 2;
  }
  const std::filesystem::path directory = argv[1];
  const std::uint32_t count = Number(argv[2]);
  const std::uint32_t width = argc == 5 ? Number(argv[3]) : 320;
  const std::uint32_t height = argc == 5 ? Number(argv[4]) : 240;
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::string label = i % 3 == 0 ? "car" : i % 3 == 1 ? "bus" : "bicycle";
    const std::filesystem::path path =
        directory / label / ("picture-" + std::to_string(i) + (i % 13 == 12 ? ".png" : ".jpg"));
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << Contents(i, width, height);
  }
  return 0;
}
