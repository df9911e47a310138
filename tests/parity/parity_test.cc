// A folder through LocalRunner and through the stages on Kafka.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "libs/dataset/manifest.h"
#include "libs/image/thumbnail.h"
#include "libs/testing/images.h"
#include "tests/parity/kafka_pipeline.h"
#include "tests/pipeline/marker_detector.h"
#include "tests/pipeline/pipeline_driver.h"

namespace winnow::parity_test {
namespace {

using pipeline_test::PipelineDriver;
using record::Disposition;

std::string WithMarker(std::uint32_t seed, bool stubborn) {
  image::Pixels pixels = testing::MakePixels({.seed = seed});
  if (stubborn) {
    pipeline_test::PaintStubbornMarker(pixels);
  } else {
    pipeline_test::PaintMarker(pixels, {60, 40, 50, 60});
  }
  return image::JpegThumbnail(pixels, pixels.width, 92).value();
}

spec::CollectionSpec Spec() {
  spec::CollectionSpec spec = pipeline_test::LenientSpec();
  spec.output.shard_images = 7;
  spec.output.splits = {{"train", 0.75}, {"val", 0.25}};
  spec.balance.warmup = 5;
  spec.balance.axes = {{"class", {{"car", 0.3}, {"bus", 0.7}}, 0.05}};
  spec.balance.reserve_images = 6;
  return spec;
}

class ParityTest : public ::testing::Test {
 protected:
  explicit ParityTest(spec::CollectionSpec spec = Spec()) : spec_(std::move(spec)) {}

  void SetUp() override {
    const char* const brokers = std::getenv("WINNOW_KAFKA_BROKERS");
    if (brokers == nullptr) GTEST_SKIP() << "WINNOW_KAFKA_BROKERS is not set";
    brokers_ = brokers;
    WriteInput();
  }

  // Distinct pictures of two classes, copies, re-encodes, faces, broken and foreign files.
  void WriteInput() {
    for (std::uint32_t i = 0; i < 60; ++i) {
      const std::string label = i % 4 == 0 ? "bus/" : "car/";
      local_.input.Write(label + std::to_string(i) + ".jpg", testing::MakeJpeg({.seed = i + 1}));
    }
    for (std::uint32_t i = 0; i < 5; ++i) {
      const std::string name = std::to_string(i);
      local_.input.Write("car/copy" + name + ".jpg", testing::MakeJpeg({.seed = i + 1}));
      local_.input.Write("car/again" + name + ".jpg",
                         testing::MakeJpeg({.seed = i + 1, .quality = 60}));
      local_.input.Write("bus/face" + name + ".jpg", WithMarker(100 + i, false));
      local_.input.Write("bus/stubborn" + name + ".jpg", WithMarker(150 + i, true));
      local_.input.Write("bus/broken" + name + ".jpg",
                         testing::MakeJpeg({.seed = 200 + i}).substr(0, 2000));
      local_.input.Write("car/blurred" + name + ".jpg",
                         testing::MakeJpeg({.seed = 300 + i, .blur = 10}));
    }
    local_.input.Write("car/empty.jpg", "");
    local_.input.Write("car/png.png", testing::MakePng({.seed = 400}));
  }

  Fates LocalFates() const {
    Fates fates;
    for (const auto& [path, record] : local_.Records()) {
      fates[record.id] = {record.history.back().disposition, record.history.back().reason};
    }
    return fates;
  }

  // Runs the folder through the services to the end.
  void RunOnKafka(int partitions) {
    auto created = KafkaPipeline::Create(spec_, brokers_, partitions);
    ASSERT_TRUE(created) << created.error().message;
    services_ = std::move(*created);
    const Status fed = services_->Feed(local_.input.path());
    ASSERT_TRUE(fed) << fed.error().message;
    services_->Start();
    const Status done = services_->WaitForOutcomes(std::chrono::seconds(120));
    ASSERT_TRUE(done) << done.error().message;
    const Status stopped = services_->Stop();
    ASSERT_TRUE(stopped) << stopped.error().message;
    auto fates = services_->ReadFates();
    ASSERT_TRUE(fates) << fates.error().message;
    fates_ = std::move(*fates);
  }

  const spec::CollectionSpec spec_;
  std::string brokers_;
  PipelineDriver local_{spec_};
  std::unique_ptr<KafkaPipeline> services_;
  Fates fates_;
};

std::string Text(const Fate& fate) {
  return std::string(record::Name(fate.disposition)) + "/" + std::string(record::Name(fate.reason));
}

void ExpectEqual(const Fates& actual, const Fates& expected) {
  EXPECT_EQ(actual.size(), expected.size());
  for (const auto& [id, fate] : expected) {
    const auto found = actual.find(id);
    EXPECT_EQ(found == actual.end() ? "nothing" : Text(found->second), Text(fate)) << id.value();
  }
}

TEST_F(ParityTest, GivesEveryImageTheSameFateAndTheSameBytesAsOneProcess) {
  ASSERT_TRUE(local_.Run({.lanes = 2}));
  ASSERT_NO_FATAL_FAILURE(RunOnKafka(1));
  const Fates expected = LocalFates();
  for (const Disposition disposition : {Disposition::kStored, Disposition::kDeferred,
                                        Disposition::kRejected, Disposition::kReview}) {
    EXPECT_TRUE(std::any_of(expected.begin(), expected.end(), [&](const auto& entry) {
      return entry.second.disposition == disposition;
    })) << "the input shows nothing of " << record::Name(disposition);
  }
  ExpectEqual(fates_, expected);
  EXPECT_EQ(services_->StoredImages(), local_.StoredImages());
}

// Where the best of several copies stays: earlier ones are found in the shard being filled, in a
// published one and in the reserve.
class BetterCopiesTest : public ParityTest {
 protected:
  BetterCopiesTest() : ParityTest(KeepBest()) {}
  static spec::CollectionSpec KeepBest() {
    spec::CollectionSpec spec = Spec();
    spec.dedup.keep = spec::Keep::kBest;
    spec.balance.warmup = 25;
    spec.balance.reserve_images = 50;
    return spec;
  }

  void SetUp() override {
    ParityTest::SetUp();
    if (IsSkipped()) return;
    const auto copy = [&](const std::string& name, std::uint32_t seed, std::uint32_t width) {
      local_.input.Write(name, testing::MakeJpeg(
                                   {.width = width, .height = width / 4 * 3, .seed = seed}));
    };
    for (std::uint32_t i = 0; i < 6; ++i) {
      const std::string name = std::to_string(i);
      copy("bus/0near" + name + "a.jpg", 500 + i, 320);  // its better copy comes next
      copy("bus/0near" + name + "b.jpg", 500 + i, 640);
      copy("bus/zlate" + name + "a.jpg", 700 + i, 320);  // when there are too many of its class
      copy("bus/zlate" + name + "b.jpg", 700 + i, 640);
      // A better one comes later, and one that is better still at the end.
      copy("bus/far" + name + ".jpg", 600 + i, 240);
      copy("car/far" + name + ".jpg", 600 + i, 400);
      copy("car/zfar" + name + ".jpg", 600 + i, 640);
    }
  }

  // Of an audit that finds nothing wrong.
  cli::AuditFigures SoundFigures() const {
    const auto scan = services_->Audit();
    EXPECT_TRUE(scan) << scan.error().message;
    if (!scan) return {};
    for (const cli::Violation& violation : scan->report.violations) {
      ADD_FAILURE() << violation.rule << ": " << violation.examples.front();
    }
    EXPECT_EQ(scan->report.figures.in_flight, 0u);
    EXPECT_EQ(scan->report.figures.still_in_shards, 0u);
    return scan->report.figures;
  }

  // Of the parts, in their last generation.
  std::size_t CountSuperseded(bool rewritten) const {
    std::size_t count = 0;
    const auto parts = services_->Parts();
    EXPECT_TRUE(parts);
    for (const dataset::Part& part : *parts) {
      if ((part.generation > 0) == rewritten) count += part.superseded.size();
    }
    return count;
  }
};

TEST_F(BetterCopiesTest, TakeThePlaceOfTheSameImagesAsInOneProcess) {
  ASSERT_TRUE(local_.Run({.lanes = 2}));
  ASSERT_NO_FATAL_FAILURE(RunOnKafka(1));
  const Fates expected = LocalFates();
  const Fate superseded = {Disposition::kRejected, record::Reason::kSuperseded};
  EXPECT_GE(std::count_if(expected.begin(), expected.end(),
                          [&](const auto& entry) { return entry.second == superseded; }),
            15);
  ExpectEqual(fates_, expected);
  EXPECT_TRUE(services_->StoredImages() == local_.StoredImages());
  EXPECT_GT(CountSuperseded(false), 0u) << "none was replaced while its shard was being filled";
  EXPECT_GT(CountSuperseded(true), 0u) << "none was taken out of a published shard";
  const auto problems = dataset::VerifyDataset(services_->DatasetDirectory());
  ASSERT_TRUE(problems) << problems.error().message;
  EXPECT_THAT(*problems, ::testing::IsEmpty());
}

TEST_F(BetterCopiesTest, LeaveNothingForAnAuditToFind) {
  ASSERT_NO_FATAL_FAILURE(RunOnKafka(1));
  const cli::AuditFigures figures = SoundFigures();
  EXPECT_EQ(figures.stored_ids, services_->StoredImages().size());
  // Those that waited in the reserve were rejected.
  ASSERT_TRUE(figures.reasons.contains("superseded")) << "none was replaced in the reserve";
  const Fate superseded = {Disposition::kRejected, record::Reason::kSuperseded};
  EXPECT_EQ(figures.superseded_ids + figures.reasons.at("superseded"),
            static_cast<std::uint64_t>(
                std::count_if(fates_.begin(), fates_.end(),
                              [&](const auto& entry) { return entry.second == superseded; })));
  EXPECT_GT(figures.superseded_ids, 0u);
}

// Which of them comes first is not sure.
TEST_F(BetterCopiesTest, MeetTheOthersWhateverTheNumberOfPartitions) {
  ASSERT_NO_FATAL_FAILURE(RunOnKafka(3));
  EXPECT_GT(SoundFigures().superseded_ids, 0u);
  const auto selected = services_->PartitionsInUse(kafka::Topic::kSelected);
  ASSERT_TRUE(selected) << selected.error().message;
  EXPECT_EQ(selected->size(), 3u);
  const auto problems = dataset::VerifyDataset(services_->DatasetDirectory());
  ASSERT_TRUE(problems) << problems.error().message;
  EXPECT_THAT(*problems, ::testing::IsEmpty());
}

// Over several partitions the stages that compare images see them in another order: which of two
// twins is the first may differ, not that one of them is dropped.
TEST_F(ParityTest, ValidationAndPrivacyDoNotDependOnTheNumberOfPartitions) {
  ASSERT_TRUE(local_.Run({.lanes = 2}));
  ASSERT_NO_FATAL_FAILURE(RunOnKafka(3));
  const auto before_the_deduper = [](const Fates& fates) {
    Fates early;
    for (const auto& [id, fate] : fates) {
      const bool late = fate.disposition == Disposition::kStored ||
                        fate.disposition == Disposition::kDeferred ||
                        fate.reason == record::Reason::kExactDuplicate ||
                        fate.reason == record::Reason::kNearDuplicate ||
                        fate.reason == record::Reason::kReserveFull;
      early[id] = late ? Fate{} : fate;
    }
    return early;
  };
  ExpectEqual(before_the_deduper(fates_), before_the_deduper(LocalFates()));
}

// Where only the images of one source are compared, the partitions of images.safe share the work.
class SourceScopeTest : public ParityTest {
 protected:
  static spec::CollectionSpec BySource() {
    spec::CollectionSpec spec = Spec();
    spec.dedup.scope = spec::DedupScope::kSource;
    spec.balance = {};
    return spec;
  }

  void FeedSource(const std::string& source) {
    pipeline_test::ScratchFolder folder;
    folder.Write("car/one.jpg", testing::MakeJpeg({.seed = 1}));
    folder.Write("car/copy_of_one.jpg", testing::MakeJpeg({.seed = 1}));
    folder.Write("car/two.jpg", testing::MakeJpeg({.seed = 2}));
    const Status fed = services_->Feed(folder.path(), SourceId(source));
    ASSERT_TRUE(fed) << fed.error().message;
  }
};

TEST_F(SourceScopeTest, KeepsTheSameBytesOfTwoSourcesAndDropsTheCopyWithinOne) {
  auto created = KafkaPipeline::Create(BySource(), brokers_, 2);
  ASSERT_TRUE(created) << created.error().message;
  services_ = std::move(*created);
  ASSERT_NO_FATAL_FAILURE(FeedSource("north"));
  ASSERT_NO_FATAL_FAILURE(FeedSource("south"));
  services_->Start();
  const Status done = services_->WaitForOutcomes(std::chrono::seconds(120));
  ASSERT_TRUE(done) << done.error().message;
  const Status stopped = services_->Stop();
  ASSERT_TRUE(stopped) << stopped.error().message;

  const auto safe = services_->PartitionsInUse(kafka::Topic::kSafe);
  ASSERT_TRUE(safe) << safe.error().message;
  EXPECT_EQ(safe->size(), 2u) << "the two sources' keys must be of different partitions";
  std::map<std::string, int> counts;
  const auto fates = services_->ReadFates();
  ASSERT_TRUE(fates) << fates.error().message;
  for (const auto& [id, fate] : *fates) ++counts[Text(fate)];
  EXPECT_EQ(counts, (std::map<std::string, int>{{"rejected/exact_duplicate", 2}, {"stored/none", 4}}));
}

}  // namespace
}  // namespace winnow::parity_test
