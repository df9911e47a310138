// The pipeline as a whole: conservation, determinism, crash and resume, privacy of what is stored.
#include <gtest/gtest.h>

#include <map>
#include <memory>

#include "libs/image/decode.h"
#include "libs/image/thumbnail.h"
#include "libs/testing/images.h"
#include "services/winnow/explain_command.h"
#include "tests/pipeline/marker_detector.h"
#include "tests/pipeline/pipeline_driver.h"

namespace winnow::pipeline_test {
namespace {

using record::Disposition;

struct Crash {};

// Kills a run at each point of its commits and resumes it on another number of lanes: nothing may
// tell it from a run that nobody disturbed. How many points there were; with few it means nothing.
int KillAtEveryCommitPoint(PipelineDriver& driver, const local::RunOptions& calm) {
  const auto undisturbed = driver.Run(calm);
  EXPECT_TRUE(undisturbed);
  if (!undisturbed) return 0;
  const auto expected = driver.output->ReadAll();
  local::RunOptions afterwards = calm;
  afterwards.lanes = calm.lanes + 1;
  int tried = 0;
  for (bool crashed = true; crashed; ++tried) {
    driver.Reset();
    local::RunOptions options = calm;
    int points = 0;
    options.at_commit_point = [&](local::CommitPoint) {
      if (points++ == tried) throw Crash();
    };
    try {
      EXPECT_TRUE(driver.Run(options));
      crashed = false;
    } catch (const Crash&) {
      const auto resumed = driver.Run(afterwards);
      EXPECT_TRUE(resumed) << "crash at point " << tried;
      if (!resumed) return 0;
      EXPECT_TRUE(driver.output->ReadAll() == expected) << "crash at point " << tried;
      EXPECT_EQ(resumed->totals, undisturbed->totals) << "crash at point " << tried;
    }
  }
  return tried;
}

std::string MarkedJpeg(std::uint32_t seed) {
  image::Pixels pixels = testing::MakePixels({.seed = seed});
  PaintMarker(pixels, {60, 40, 50, 60});
  return image::JpegThumbnail(pixels, pixels.width, 92).value();
}

bool ShowsMarkerWhenDecoded(const std::string& bytes) {
  const image::Decoded decoded = image::Decode(bytes, {});
  EXPECT_NE(decoded.frame, nullptr) << decoded.detail;
  return decoded.frame && ShowsMarker(decoded.frame->pixels);
}

class PipelineTest : public ::testing::Test {
 protected:
  static spec::CollectionSpec Spec() {
    spec::CollectionSpec spec = LenientSpec();
    spec.output.shard_images = 7;
    spec.output.splits = {{"train", 0.75}, {"val", 0.25}};
    spec.balance.warmup = 5;
    spec.balance.axes = {{"class", {{"car", 0.3}, {"bus", 0.7}}, 0.05}};
    return spec;
  }

  // Distinct pictures of two classes, copies, re-encodes, faces and broken files.
  void WriteInput() {
    for (std::uint32_t i = 0; i < 40; ++i) {
      const std::string label = i % 3 == 0 ? "bus/" : "car/";
      driver_.input.Write(label + std::to_string(i) + ".jpg", testing::MakeJpeg({.seed = i + 1}));
    }
    for (std::uint32_t i = 0; i < 5; ++i) {
      const std::string name = std::to_string(i);
      driver_.input.Write("car/copy" + name + ".jpg", testing::MakeJpeg({.seed = i + 1}));
      driver_.input.Write("car/again" + name + ".jpg",
                          testing::MakeJpeg({.seed = i + 1, .quality = 60}));
      driver_.input.Write("bus/face" + name + ".jpg", MarkedJpeg(100 + i));
      driver_.input.Write("bus/broken" + name + ".jpg",
                          testing::MakeJpeg({.seed = 200 + i}).substr(0, 2000));
      driver_.input.Write("car/blurred" + name + ".jpg",
                          testing::MakeJpeg({.seed = 300 + i, .blur = 10}));
    }
    driver_.input.Write("car/png.png", testing::MakePng({.seed = 400}));
    driver_.input.Write("car/webp.webp", testing::MakeWebp({.seed = 401}));
  }
  static constexpr std::uint64_t kInputs = 67;

  PipelineDriver driver_{Spec()};
};

TEST_F(PipelineTest, GivesEveryImageExactlyOneOutcome) {
  WriteInput();
  const auto result = driver_.Run({.lanes = 2});
  ASSERT_TRUE(result) << result.error().message;
  const local::Totals& totals = result->totals;
  EXPECT_EQ(totals.Received(), kInputs);
  EXPECT_TRUE(totals.Conserved(PipelineDriver::StageNames())) << totals.Encode();
  EXPECT_EQ(totals.Received(),
            totals.Ended(Disposition::kStored) + totals.Ended(Disposition::kDeferred) +
                totals.Ended(Disposition::kRejected) + totals.Ended(Disposition::kReview));
  EXPECT_EQ(driver_.Records().size(), kInputs);
  EXPECT_EQ(driver_.StoredImages().size(), totals.Ended(Disposition::kStored));
  for (const Disposition disposition : {Disposition::kStored, Disposition::kDeferred,
                                        Disposition::kRejected}) {
    EXPECT_GT(totals.Ended(disposition), 0u) << record::Name(disposition);
  }
}

TEST_F(PipelineTest, WritesAByteIdenticalDatasetWhateverTheThreadCount) {
  WriteInput();
  ASSERT_TRUE(driver_.Run({.lanes = 1}));
  const auto expected = driver_.output->ReadAll();
  ASSERT_GT(expected.size(), 2u);
  for (const std::size_t lanes : {2u, 5u}) {
    driver_.Reset();
    ASSERT_TRUE(driver_.Run({.lanes = lanes, .max_bytes_in_flight = 100'000}));
    EXPECT_TRUE(driver_.output->ReadAll() == expected) << lanes << " lanes";
  }
}

TEST_F(PipelineTest, ResumesAtEveryCommitPointAsIfUndisturbed) {
  WriteInput();
  EXPECT_GT(KillAtEveryCommitPoint(driver_, {.lanes = 2, .commit_records = 12}), 20);
}

// car/1 <- car/10 <- car/11, bus/0 <- car/2 (an earlier shard), and bus/12 <- bus/15: chosen by name,
// as if the deduper had found the later one to be the better copy.
class Improvements {
 public:
  void operator()(record::ImageRecord& record) {
    static const std::map<std::string, std::string> kEarlier = {{"car/10.jpg", "car/1.jpg"},
                                                                {"car/11.jpg", "car/10.jpg"},
                                                                {"car/2.jpg", "bus/0.jpg"},
                                                                {"bus/15.jpg", "bus/12.jpg"}};
    record::Duplicate& duplicate = *record.duplicate;
    if (const auto earlier = kEarlier.find(record.source.path); earlier != kEarlier.end()) {
      const record::ImageRecord& of = seen_->at(earlier->second);
      duplicate.cluster = of.duplicate->cluster;
      duplicate.replaces = {of.id};
    }
    (*seen_)[record.source.path] = record;
  }

 private:
  // Outlives the deduper, as its state does.
  std::shared_ptr<std::map<std::string, record::ImageRecord>> seen_ =
      std::make_shared<std::map<std::string, record::ImageRecord>>();
};

class SupersedingTest : public PipelineTest {
 protected:
  SupersedingTest() {
    WriteInput();
    driver_.after_deduper = Improvements();
  }
  static bool IsSuperseded(const record::ImageRecord& record) {
    return record.history.back().reason == record::Reason::kSuperseded;
  }
};

TEST_F(SupersedingTest, LeavesNothingOfWhatWasReplacedInTheDataset) {
  const auto result = driver_.Run({.lanes = 2});
  ASSERT_TRUE(result) << result.error().message;
  const local::Totals& totals = result->totals;
  EXPECT_TRUE(totals.Conserved(PipelineDriver::StageNames())) << totals.Encode();
  const auto stored = driver_.StoredImages();
  EXPECT_EQ(stored.size(), totals.Ended(Disposition::kStored));
  int superseded = 0;
  for (const auto& [path, record] : driver_.Records()) {
    const bool is_stored = record.history.back().disposition == Disposition::kStored;
    EXPECT_EQ(stored.count(record.id.value()) > 0, is_stored) << path;
    superseded += IsSuperseded(record) ? 1 : 0;
    if (!record.duplicate || !is_stored) continue;
    for (const RecordId& id : record.duplicate->replaces) EXPECT_EQ(stored.count(id.value()), 0u);
  }
  EXPECT_GT(superseded, 0);
  EXPECT_EQ(totals.EndedByReason(Disposition::kRejected).at(record::Reason::kSuperseded),
            static_cast<std::uint64_t>(superseded));
}

TEST_F(SupersedingTest, ExplainsWhichImageTookThePlace) {
  ASSERT_TRUE(driver_.Run({.lanes = 2}));
  const auto records = driver_.Records();
  const std::string story = cli::TellStory(records.at("car/1.jpg"));
  EXPECT_NE(story.find("rejected: superseded"), std::string::npos) << story;
  EXPECT_NE(story.find("superseded by " + records.at("car/10.jpg").id.value() + " (car/10.jpg)"),
            std::string::npos)
      << story;
  EXPECT_EQ(story.find("(split "), std::string::npos) << "it is in no shard any more: " << story;
}

TEST_F(SupersedingTest, MakesTheSameDatasetHoweverOftenItIsKilled) {
  EXPECT_GT(KillAtEveryCommitPoint(driver_, {.lanes = 2, .commit_records = 8}), 30);
}

TEST_F(PipelineTest, StoresNoPictureThatShowsAFace) {
  WriteInput();
  ASSERT_TRUE(ShowsMarkerWhenDecoded(MarkedJpeg(100))) << "the marker must survive encoding";
  ASSERT_TRUE(driver_.Run());
  const auto records = driver_.Records();
  EXPECT_EQ(records.at("bus/face0.jpg").redaction->regions.size(), 1u);
  for (const auto& [key, bytes] : driver_.StoredImages()) {
    EXPECT_FALSE(ShowsMarkerWhenDecoded(bytes)) << key;
  }
}

TEST_F(PipelineTest, PassesPicturesWithoutFacesAndMetadataByteForByte) {
  const std::string bytes = testing::MakeJpeg({.seed = 7});
  driver_.input.Write("car/plain.jpg", bytes);
  ASSERT_TRUE(driver_.Run());
  const auto images = driver_.StoredImages();
  ASSERT_EQ(images.size(), 1u);
  EXPECT_TRUE(images.begin()->second == bytes);
}

TEST_F(PipelineTest, StripsWhatIdentifiesPlacesDevicesAndPeople) {
  driver_.input.Write("car/secret.jpg", testing::MakeJpeg({.private_metadata = true}));
  ASSERT_TRUE(driver_.Run());
  for (const auto& [name, contents] : driver_.output->ReadAll()) {
    EXPECT_EQ(contents.find(testing::kSecret), std::string::npos) << name;
  }
  EXPECT_EQ(driver_.StoredImages().size(), 1u);
}

TEST_F(PipelineTest, NeverMeetsItselfWhenTheSameFolderIsOfferedAgain) {
  WriteInput();
  const auto first = driver_.Run();
  ASSERT_TRUE(first);
  const auto before = driver_.output->ReadAll();
  for (const auto& [name, bytes] : driver_.input.ReadAll()) {
    driver_.input.Write(name, bytes);  // same bytes, new modification time
  }
  const auto again = driver_.Run();
  ASSERT_TRUE(again);
  EXPECT_EQ(again->totals, first->totals);
  EXPECT_TRUE(driver_.output->ReadAll() == before);
}

TEST_F(PipelineTest, SurvivesAnEmptyFolder) {
  const auto result = driver_.Run();
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->totals.Received(), 0u);
}

}  // namespace
}  // namespace winnow::pipeline_test
