// `winnow ingest`: a folder becomes messages of images.raw, each image once.
#include <gmock/gmock.h>

#include <algorithm>
#include <set>

#include "libs/blob/blob_store.h"
#include "libs/record/codec.h"
#include "tests/tools/deployment.h"

namespace winnow::tools {
namespace {

using kafka::Topic;
using record::ImageRecord;
using testing::HasSubstr;
using testing::StartsWith;

class IngestTest : public DeploymentTest {
 protected:
  void SetUp() override {
    DeploymentTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    MakeTopics();
    WriteFile("spec.yaml", "winnow: 1\ncollection: tools\n");
    for (int i = 0; i < 5; ++i) WriteFile("in/" + std::to_string(i) + ".jpg", std::string(100, 'x'));
  }

  Ran Ingest(std::vector<std::string> more = {}) const {
    more.insert(more.begin(), {"ingest", Path("spec.yaml"), "--input", Path("in")});
    return Winnow(more);
  }

  std::vector<ImageRecord> Records() {
    std::vector<ImageRecord> records;
    for (const Kept& kept : Read(Topic::kRaw)) {
      auto record = record::RecordCodec::Decode(kept.value, record::Zone::kRaw);
      EXPECT_TRUE(record) << record.error().message;
      if (record) records.push_back(std::move(*record));
    }
    return records;
  }
};

TEST_F(IngestTest, SendsEachImageAsARecord) {
  ASSERT_EQ(Ingest().code, 0);
  const auto messages = Read(Topic::kRaw);
  ASSERT_EQ(messages.size(), 5u);
  const ImageRecord first = Records().front();
  EXPECT_EQ(first.id, record::DeriveRecordId(SourceId("folder"), "0.jpg",
                                             Sha256(std::string(100, 'x'))));
  EXPECT_EQ(first.collection.value(), "tools");
  EXPECT_EQ(messages[0].key, first.id.value());
  EXPECT_EQ(messages[0].time, first.ingested_at);
  EXPECT_GT(first.ingested_at.time_since_epoch().count(), 0);
  EXPECT_THAT(messages[0].headers.at("traceparent"), StartsWith("00-"));
  EXPECT_FALSE(messages[0].headers.contains("winnow-origin"));
  EXPECT_EQ(record::ContentOf(first.payload)->bytes.view(), std::string(100, 'x'));
}

TEST_F(IngestTest, GoesOnWhereItStopped) {
  ASSERT_EQ(Ingest({"--state", Path("state")}).code, 0);
  WriteFile("in/new.jpg", "y");
  const Ran again = Ingest({"--state", Path("state")});
  EXPECT_EQ(again.code, 0);
  EXPECT_THAT(again.out, HasSubstr("sent 1 records"));
  EXPECT_THAT(again.out, HasSubstr("5 were sent before"));
  EXPECT_EQ(Read(Topic::kRaw).size(), 6u);
}

TEST_F(IngestTest, SendsTheSameRecordAgainWithoutState) {
  ASSERT_EQ(Ingest().code, 0);
  ASSERT_EQ(Ingest().code, 0);
  std::set<std::string> ids;
  for (const ImageRecord& record : Records()) ids.insert(record.id.value());
  EXPECT_EQ(Read(Topic::kRaw).size(), 10u);
  EXPECT_EQ(ids.size(), 5u);
}

TEST_F(IngestTest, RefusesTheStateOfAnotherTopic) {
  ASSERT_EQ(Ingest({"--state", Path("state")}).code, 0);
  prefix_ += "other.";
  MakeTopics();
  const Ran ran = Ingest({"--state", Path("state")});
  EXPECT_EQ(ran.code, 2);
  EXPECT_THAT(ran.err, HasSubstr("topic"));
  EXPECT_TRUE(Read(Topic::kRaw).empty());
}

TEST_F(IngestTest, PutsLargeImagesIntoTheBlobStore) {
  WriteFile("in/large.jpg", std::string(2'000, 'z'));
  const Ran ran = Ingest({"--inline-max", "1000", "--raw-blobs", Path("blobs")});
  ASSERT_EQ(ran.code, 0) << ran.err;
  const auto records = Records();
  const auto large = std::find_if(records.begin(), records.end(), [](const ImageRecord& record) {
    return record.source.path == "large.jpg";
  });
  ASSERT_NE(large, records.end());
  const auto* const content = record::ContentOf(large->payload);
  EXPECT_TRUE(content->in_store);
  EXPECT_TRUE(content->bytes.empty());
  const auto store = blob::OpenDirectory(Path("blobs"));
  ASSERT_TRUE(store);
  const auto bytes = (*store)->Get(content->sha256, 1u << 20);
  ASSERT_TRUE(bytes) << bytes.error().message;
  EXPECT_EQ(bytes->size(), 2'000u);
}

TEST_F(IngestTest, SendsWhatIsTooLargeToBeRefused) {
  WriteFile("in/large.jpg", std::string(2'000, 'z'));
  ASSERT_EQ(Ingest({"--inline-max", "1000"}).code, 0);
  std::size_t refused = 0;
  for (const ImageRecord& record : Records()) {
    if (record.source_fault != record::Reason::kTooManyBytes) continue;
    ++refused;
    EXPECT_EQ(record.source.path, "large.jpg");
    EXPECT_THAT(record.source_fault_detail, HasSubstr("2000 bytes"));
  }
  EXPECT_EQ(refused, 1u);
}

// Below --inline-max, above what the topic takes.
TEST_F(IngestTest, SendsWhatTheBrokerRefusesWithoutItsImage) {
  WriteFile("in/large.jpg", std::string(3u << 20, 'z'));
  const Ran ran = Ingest({"--inline-max", "100000000", "--state", Path("state")});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(Read(Topic::kRaw).size(), 6u);
  const auto records = Records();
  EXPECT_EQ(std::count_if(records.begin(), records.end(), [](const ImageRecord& record) {
              return record.source_fault == record::Reason::kTooManyBytes;
            }), 1);
  EXPECT_THAT(Ingest({"--state", Path("state")}).out, HasSubstr("6 were sent before"));
}

TEST_F(IngestTest, TellsWhatToDoAboutAMissingTopic) {
  prefix_ += "nowhere.";
  const Ran ran = Ingest();
  EXPECT_EQ(ran.code, 2);
  EXPECT_THAT(ran.err, HasSubstr("winnow topics apply"));
}

}  // namespace
}  // namespace winnow::tools
