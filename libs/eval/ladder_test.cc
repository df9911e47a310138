#include "libs/eval/ladder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "libs/eval/labelled_set.h"
#include "libs/eval/testing_folder.h"
#include "libs/image/decode.h"
#include "libs/image/fingerprint.h"
#include "libs/testing/images.h"

namespace winnow::eval {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::Each;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::SizeIs;

image::Pixels Picture(std::uint32_t seed) {
  testing::MakeImageOptions options;
  options.seed = seed;
  return testing::MakePixels(options);
}

std::string Jpeg(std::uint32_t seed, std::uint32_t width = 320) {
  testing::MakeImageOptions options;
  options.seed = seed;
  options.width = width;
  return testing::MakeJpeg(options);
}

std::size_t IndexOf(std::string_view transform, std::string_view strength) {
  for (std::size_t i = 0; i < Rungs().size(); ++i) {
    if (Rungs()[i].transform == transform && Rungs()[i].strength == strength) return i;
  }
  ADD_FAILURE() << "no rung " << transform << " " << strength;
  return 0;
}

image::Pixels Copied(std::string_view transform, std::string_view strength = "") {
  const Result<Copy> copy = MakeCopy(Picture(1), IndexOf(transform, strength));
  EXPECT_TRUE(copy.has_value());
  const image::Decoded decoded = image::Decode(copy->bytes, {});
  EXPECT_NE(decoded.frame, nullptr) << decoded.detail;
  return decoded.frame->pixels;
}

int DistanceFromPicture(const image::Pixels& pixels) {
  image::Frame frame, original;
  frame.pixels = pixels;
  original.pixels = Picture(1);
  return image::HammingDistance(image::ComputeFingerprint(frame),
                                image::ComputeFingerprint(original));
}

TEST(RungsTest, AreAllDifferent) {
  std::set<std::pair<std::string_view, std::string_view>> names;
  for (const Rung& rung : Rungs()) names.insert({rung.transform, rung.strength});
  EXPECT_EQ(names.size(), Rungs().size());
}

TEST(MakeCopyTest, MakesReadableFilesOfEveryRungAndTheSameEveryTime) {
  for (std::size_t i = 0; i < Rungs().size(); ++i) {
    const Result<Copy> copy = MakeCopy(Picture(1), i);
    ASSERT_TRUE(copy.has_value()) << Rungs()[i].transform;
    EXPECT_EQ(copy->bytes, MakeCopy(Picture(1), i)->bytes) << Rungs()[i].transform;
    EXPECT_NE(image::Decode(copy->bytes, {}).frame, nullptr) << Rungs()[i].transform;
  }
}

TEST(MakeCopyTest, ChangesTheSizeAsTheRungSays) {
  const auto size = [](const image::Pixels& pixels) {
    return std::pair(pixels.width, pixels.height);
  };
  EXPECT_EQ(size(Copied("png", "lossless")), std::pair(320u, 240u));
  EXPECT_EQ(size(Copied("resize", "25 %")), std::pair(80u, 60u));
  EXPECT_EQ(size(Copied("crop", "10 %")), std::pair(288u, 216u));
  EXPECT_EQ(size(Copied("border", "5 %")), std::pair(344u, 264u));
  EXPECT_EQ(size(Copied("rotate", "90 degrees")), std::pair(240u, 320u));
  EXPECT_EQ(size(Copied("tilt", "5 degrees")), std::pair(320u, 240u));
}

TEST(MakeCopyTest, LosesNothingInPng) {
  EXPECT_EQ(Copied("png", "lossless").bgr, Picture(1).bgr);
}

TEST(MakeCopyTest, TurnsThePictureAsTheRungSays) {
  const std::pair<int, image::Pixels> turns[] = {{6, Copied("rotate", "90 degrees")},
                                                 {3, Copied("rotate", "180 degrees")},
                                                 {8, Copied("rotate", "270 degrees")},
                                                 {2, Copied("mirror")},
                                                 {4, Copied("flip")}};
  for (const auto& [orientation, copy] : turns) {
    image::Frame turned, made;
    turned.pixels = Picture(1);
    turned.orientation = orientation;
    made.pixels = copy;
    EXPECT_LE(image::HammingDistance(image::ComputeFingerprint(turned),
                                     image::ComputeFingerprint(made)), 8) << orientation;
  }
}

TEST(MakeCopyTest, GetsFartherWithStrength) {
  const std::pair<const char*, std::vector<const char*>> ladders[] = {
      {"crop", {"2 %", "10 %"}},        {"border", {"2 %", "10 %"}},
      {"tilt", {"1 degree", "5 degrees"}}, {"text", {"5 %", "20 %"}},
      {"brightness", {"+30", "+60"}},   {"brightness", {"-30", "-60"}},
      {"blur", {"sigma 1", "sigma 4"}}};
  for (const auto& [transform, strengths] : ladders) {
    const int weak = DistanceFromPicture(Copied(transform, strengths[0]));
    EXPECT_LT(weak, DistanceFromPicture(Copied(transform, strengths[1]))) << transform;
  }
}

TEST(MakeCopyTest, TakesTheColourOut) {
  const image::Pixels grey = Copied("grey");
  int colour = 0;
  for (std::size_t i = 0; i < grey.bgr.size(); i += 3) {
    colour = std::max(colour, std::abs(int{grey.bgr[i]} - int{grey.bgr[i + 2]}));
  }
  EXPECT_LE(colour, 2);
}

TEST(MakeCopyTest, RefusesAnEmptyPicture) { EXPECT_FALSE(MakeCopy({}, 0)); }

class LadderTest : public ::testing::Test {
 protected:
  LadderTest() {
    // Directories x and y, a group of two, one too small, one that is no picture.
    data_.Write("one/x/1.jpg", Jpeg(1));
    data_.Write("one/x/2.jpg", Jpeg(2));
    data_.Write("one/y/3.jpg", Jpeg(3));
    data_.Write("one/y/4.jpg", "no picture");
    data_.Write("one/y/5.jpg", Jpeg(5, 150));
    data_.Write("one/manifest.json", R"({"items": [{"file": "x/1.jpg", "group": "g"},
        {"file": "x/2.jpg", "group": "g"}, {"file": "y/3.jpg"}, {"file": "y/4.jpg"},
        {"file": "y/5.jpg"}]})");
    data_.Write("two/6.jpg", Jpeg(6));
    data_.Write("two/7.jpg", Jpeg(7));
    data_.Write("two/manifest.json", R"({"items": [{"file": "6.jpg"}, {"file": "7.jpg"}]})");
  }

  LadderOptions Options(std::size_t count) const {
    return {.data = data_.path(),
            .sets = {"one", "two"},
            .originals = count,
            .folder = data_.Path("ladder"),
            .threads = 2};
  }
  std::vector<std::string> Chosen(std::size_t count) const {
    std::vector<std::string> names;
    const auto originals = ChooseOriginals(Options(count));
    EXPECT_TRUE(originals.has_value());
    for (const Original& original : *originals) names.push_back(original.set + "/" + original.file);
    return names;
  }

  TestFolder data_;
};

TEST_F(LadderTest, ChoosesFitPhotographsOneOfAGroupSetsInTurn) {
  const std::vector<std::string> all = Chosen(100);
  EXPECT_EQ(std::set(all.begin(), all.end()).size(), all.size());
  EXPECT_THAT(all, SizeIs(4));  // of one: 1 or 2, and 3
  const std::vector<std::string> two = Chosen(2);
  ASSERT_THAT(two, SizeIs(2));
  EXPECT_THAT(two[0], HasSubstr("one/"));
  EXPECT_THAT(two[1], HasSubstr("two/"));
  EXPECT_EQ(two, Chosen(2));
}

TEST_F(LadderTest, WritesASetThatCanBeRead) {
  ASSERT_TRUE(WriteLadder(Options(2)));
  const auto sets = ReadLabelledSet(data_.Path("ladder"));
  ASSERT_TRUE(sets.has_value()) << sets.error().message;
  ASSERT_THAT(*sets, SizeIs(1));
  const LabelledSet& ladder = sets->at(0);
  EXPECT_EQ(ladder.pictures.size(), 2 * (1 + Rungs().size()));
  std::map<std::string, int> originals;
  for (const LabelledPicture& picture : ladder.pictures) {
    EXPECT_TRUE(fs::exists(data_.Path("ladder/" + picture.file))) << picture.file;
    EXPECT_EQ(picture.original, picture.transform == "original");
    originals[picture.group] += picture.original;
  }
  EXPECT_THAT(originals, AllOf(SizeIs(2), Each(Field(&std::pair<const std::string, int>::second, 1))));
}

TEST_F(LadderTest, ReplacesAnEarlierLadderAndNothingElse) {
  ASSERT_TRUE(WriteLadder(Options(2)));
  ASSERT_TRUE(WriteLadder(Options(1)));
  EXPECT_FALSE(fs::exists(data_.Path("ladder/001")));
  LadderOptions onto_a_set = Options(1);
  onto_a_set.folder = data_.Path("two");
  const Status written = WriteLadder(onto_a_set);
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, ErrorCode::kConfig);
  EXPECT_TRUE(fs::exists(data_.Path("two/6.jpg")));
}

TEST_F(LadderTest, SaysSoWhereItCannotWrite) {
  fs::create_symlink("itself", data_.Path("itself"));
  LadderOptions options = Options(1);
  options.folder = data_.Path("itself/ladder");
  EXPECT_FALSE(WriteLadder(options));
}

TEST_F(LadderTest, NeedsAPhotograph) {
  data_.Write("none/manifest.json", R"({"items": []})");
  LadderOptions options = Options(1);
  options.sets = {"none"};
  const Status written = WriteLadder(options);
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, ErrorCode::kConfig);
}

}  // namespace
}  // namespace winnow::eval
