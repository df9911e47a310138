// Usage: make_image_seeds DIR. Writes DIR/decode and DIR/redact: one small generated picture of
// every kind, each whole, cut and damaged.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libs/testing/images.h"

namespace {

namespace fs = std::filesystem;
using winnow::testing::Chroma;
using winnow::testing::MakeImageOptions;

MakeImageOptions Small() {
  MakeImageOptions options;
  options.width = 50;
  options.height = 41;
  options.orientation = 6;
  options.private_metadata = true;
  options.colour_profile = true;
  return options;
}

std::vector<std::string> Jpegs() {
  std::vector<std::string> files;
  for (const Chroma chroma :
       {Chroma::k444, Chroma::k422, Chroma::k420, Chroma::kGrey, Chroma::kCmyk}) {
    for (int kind = 0; kind < 4; ++kind) {
      MakeImageOptions options = Small();
      options.chroma = chroma;
      options.progressive = kind % 2 == 1;
      options.arithmetic = kind >= 2;
      options.restart_interval = kind == 0 ? 2 : 0;
      files.push_back(winnow::testing::MakeJpeg(options));
    }
  }
  return files;
}

std::vector<std::string> Others() {
  std::vector<std::string> files = {winnow::testing::MakeTiff(Small()),
                                    winnow::testing::MakeBmp(Small())};
  for (int kind = 0; kind < 4; ++kind) {
    MakeImageOptions options = Small();
    options.alpha = kind % 2 == 1;
    options.interlaced = kind >= 2;
    options.lossless = kind >= 2;
    files.push_back(winnow::testing::MakePng(options));
    files.push_back(winnow::testing::MakeWebp(options));
  }
  return files;
}

std::vector<std::string> Variants(const std::string& whole) {
  std::vector<std::string> files = {whole, whole.substr(0, whole.size() / 2)};
  std::string damaged = whole;
  for (std::size_t at = 97; at < damaged.size(); at += 331) damaged[at] ^= 0x11;
  files.push_back(std::move(damaged));
  return files;
}

bool Write(const fs::path& path, std::string_view prefix, std::string_view bytes) {
  std::ofstream out(path, std::ios::binary);
  out << prefix << bytes;
  return static_cast<bool>(out);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: make_image_seeds DIR\n");
    return 2;
  }
  const fs::path folder = argv[1];
  fs::create_directories(folder / "decode");
  fs::create_directories(folder / "redact");
  std::vector<std::string> wholes = Jpegs();
  for (std::string& other : Others()) wholes.push_back(std::move(other));
  int number = 0;
  for (const std::string& whole : wholes) {
    for (const std::string& bytes : Variants(whole)) {
      const std::string name = std::to_string(number++);
      const std::string_view no_boxes("\0", 1);
      const std::string_view two_boxes("\2\x20\x20\x10\x10\x30\x08\x40\x20", 9);
      if (!Write(folder / "decode" / name, "", bytes)) return 1;
      if (!Write(folder / "redact" / (name + "-strip"), no_boxes, bytes)) return 1;
      if (!Write(folder / "redact" / (name + "-boxes"), two_boxes, bytes)) return 1;
    }
  }
  return 0;
}
