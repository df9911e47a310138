#include "libs/dataset/rejected.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "libs/dataset/dataset_test_records.h"
#include "libs/testing/faulty_files.h"

namespace winnow::dataset {
namespace {

using Fault = winnow::testing::FaultyFiles::Fault;

record::ImageRecord Refused(int index, record::Disposition disposition) {
  auto record = StoredRecord(index);
  record.payload = {};
  record::StageVerdict verdict;
  verdict.stage = "validator";
  verdict.disposition = disposition;
  verdict.reason = record::Reason::kBlurry;
  record.history.push_back(verdict);
  return record;
}

TEST(RejectedWriterTest, WritesALinePerRefusedImageAndShowsThemAtTheEnd) {
  winnow::testing::FaultyFiles disk;
  auto writer = RejectedWriter::Create("out", disk).value();
  ASSERT_TRUE(writer.Add(Refused(0, record::Disposition::kRejected)));
  ASSERT_TRUE(writer.Add(Refused(1, record::Disposition::kReview)));
  EXPECT_TRUE(disk.Contents("out/rejected.jsonl").count("out/rejected.jsonl") == 0);
  ASSERT_TRUE(writer.Finish());
  const std::string text = disk.Contents("out/").at("out/rejected.jsonl");
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2);
  const auto second = nlohmann::json::parse(text.substr(text.find('\n') + 1));
  EXPECT_EQ(second["verdict"], "review");
  EXPECT_EQ(second["reason"], "blurry");
}

TEST(RejectedWriterTest, RefusesARecordThatWasNotRefused) {
  winnow::testing::FaultyFiles disk;
  auto writer = RejectedWriter::Create("out", disk).value();
  EXPECT_EQ(writer.Add(StoredRecord(0)).error().code, ErrorCode::kBug);
  EXPECT_EQ(writer.Add(Refused(0, record::Disposition::kStored)).error().code, ErrorCode::kBug);
}

TEST(RejectedWriterTest, HoldsNoMoreThanItsBuffer) {
  winnow::testing::FaultyFiles disk;
  auto writer = RejectedWriter::Create("out", disk).value();
  std::size_t written = 0;
  for (int i = 0; i < 4000; ++i) {
    ASSERT_TRUE(writer.Add(Refused(i, record::Disposition::kRejected)));
    written = disk.Contents("out/rejected.jsonl.tmp").begin()->second.size();
  }
  EXPECT_GT(written, 500'000u);
}

TEST(RejectedWriterTest, ShowsTheWholeFileOrNoneWhateverFails) {
  for (const Fault fault : {Fault::kDiskFull, Fault::kKilled, Fault::kPowerCut, Fault::kTornCut}) {
    for (std::uint64_t call = 0;; ++call) {
      winnow::testing::FaultyFiles disk;
      disk.FailAt(call, fault);
      const auto write = [&]() -> Status {
        WINNOW_ASSIGN_OR_RETURN(auto writer, RejectedWriter::Create("out", disk));
        WINNOW_RETURN_IF_ERROR(writer.Add(Refused(0, record::Disposition::kRejected)));
        return writer.Finish();
      };
      if (write()) break;
      disk.Restart();
      const auto files = disk.Contents("out/rejected.jsonl");
      const auto found = files.find("out/rejected.jsonl");
      EXPECT_TRUE(found == files.end() || found->second.back() == '\n') << call;
      EXPECT_TRUE(write());
    }
  }
}

}  // namespace
}  // namespace winnow::dataset
