#include "libs/detect/model.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "libs/detect/head.h"
#include "libs/detect/network.h"

namespace winnow::detect {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::IsEmpty;

class LoadDetectorTest : public ::testing::Test {
 protected:
  LoadDetectorTest() { std::filesystem::create_directories(directory_); }
  ~LoadDetectorTest() override { std::filesystem::remove_all(directory_); }

  std::string ErrorFor(std::string_view name) {
    const auto detector = LoadDetector(name, directory_);
    EXPECT_FALSE(detector);
    if (detector) return {};
    EXPECT_EQ(detector.error().code, ErrorCode::kConfig);
    return detector.error().message;
  }

  std::string directory_ = ::testing::TempDir() + "winnow_model_test";
};

TEST(KnownModelsTest, NameAFileAChecksumAndALicence) {
  ASSERT_THAT(KnownModels(), Not(IsEmpty()));
  for (const ModelEntry& model : KnownModels()) {
    EXPECT_FALSE(model.name.empty());
    EXPECT_EQ(model.kind, "face");
    EXPECT_NE(FindHead(model.architecture), nullptr) << model.architecture;
    EXPECT_EQ(model.file.find('/'), std::string::npos);
    EXPECT_EQ(model.sha256.size(), 64U);
    EXPECT_FALSE(model.licence.empty());
  }
}

TEST_F(LoadDetectorTest, NamesTheKnownModelsForAnUnknownOne) {
  EXPECT_THAT(ErrorFor("nosuch"), HasSubstr("centerface"));
}

TEST_F(LoadDetectorTest, SaysHowToInstallAMissingFile) {
  EXPECT_THAT(ErrorFor("centerface"), HasSubstr("deploy/models/install " + directory_));
}

TEST_F(LoadDetectorTest, RefusesAFolderInPlaceOfTheFile) {
  std::filesystem::create_directory(directory_ + "/centerface.onnx");
  EXPECT_THAT(ErrorFor("centerface"), HasSubstr("cannot read"));
}

TEST_F(LoadDetectorTest, RefusesAFileWithAnotherChecksum) {
  std::ofstream(directory_ + "/centerface.onnx") << "not the model";
  EXPECT_THAT(ErrorFor("centerface"), HasSubstr("SHA-256"));
}

TEST(NetworkTest, RefusesWhatIsNotANetwork) {
  for (const char* bytes : {"", "not a network", "\x08\x06\x12\x07pytorch"}) {
    const auto network = Network::Load(bytes);
    ASSERT_FALSE(network);
    EXPECT_EQ(network.error().code, ErrorCode::kConfig);
  }
}

}  // namespace
}  // namespace winnow::detect
