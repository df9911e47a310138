// Our fingerprints against the hashes published with PDQ, on its own test pictures. Needs
// $WINNOW_SHARED_DATA/C-pdq.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "libs/image/decode.h"
#include "libs/image/fingerprint.h"

namespace winnow::image {
namespace {

record::Fingerprint FromHex(const std::string& hex) {
  record::Fingerprint fingerprint;
  for (std::size_t word = 0; word < 4; ++word) {
    fingerprint.bits[3 - word] = std::stoull(hex.substr(word * 16, 16), nullptr, 16);
  }
  return fingerprint;
}

std::string ReadAll(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return std::string((std::istreambuf_iterator<char>(in)), {});
}

class FingerprintConformanceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const char* folder = std::getenv("WINNOW_SHARED_DATA");
    if (folder == nullptr) GTEST_SKIP() << "WINNOW_SHARED_DATA is not set";
    folder_ = std::filesystem::path(folder) / "C-pdq";
    if (!std::filesystem::exists(folder_)) GTEST_SKIP() << folder_ << " is not there";
    references_ = nlohmann::json::parse(ReadAll(folder_ / "pdq_reference_hashes.json"));
    const auto manifest = nlohmann::json::parse(ReadAll(folder_ / "manifest.json"));
    for (const auto& item : manifest["items"]) {
      files_[item["source"].get<std::string>()] = item["file"].get<std::string>();
    }
  }

  // Distances to the hashes of one implementation, for pictures of quality 80 and more: below
  // it PDQ promises nothing.
  void Compare(const std::string& implementation, int limit, std::size_t expected_pictures) {
    std::size_t compared = 0;
    for (const auto& [name, hex] : references_[implementation].items()) {
      const auto file = files_.find("pdq/data/" + name);
      if (file == files_.end()) continue;
      const Decoded decoded = Decode(ReadAll(folder_ / file->second), {});
      ASSERT_NE(decoded.frame, nullptr) << name << ": " << decoded.detail;
      const record::Fingerprint ours = ComputeFingerprint(*decoded.frame);
      if (ours.quality < 80) continue;
      EXPECT_LE(HammingDistance(ours, FromHex(hex.get<std::string>())), limit) << name;
      ++compared;
    }
    EXPECT_GE(compared, expected_pictures);
  }

  std::filesystem::path folder_;
  nlohmann::json references_;
  std::map<std::string, std::string> files_;
};

// PDQ's own rule for another implementation is 10 bits.
TEST_F(FingerprintConformanceTest, EqualsTheCppAndJavaPrograms) { Compare("java_cpp", 0, 2); }

// The Python program is 10 bits away from the C++ one on the same files.
TEST_F(FingerprintConformanceTest, IsNearThePythonProgram) { Compare("python", 12, 14); }

}  // namespace
}  // namespace winnow::image
