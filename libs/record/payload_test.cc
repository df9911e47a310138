#include "libs/record/payload.h"

#include <gtest/gtest.h>

#include "libs/record/codec.h"
#include "libs/record/image_record.h"

namespace winnow::record {
namespace {

ImageRecord RecordOf(std::string bytes) {
  ImageRecord record;
  record.id = RecordId("0123");
  PayloadContent content;
  content.sha256 = Sha256(bytes);
  content.media_type = "image/jpeg";
  content.bytes = SharedBytes(std::move(bytes));
  record.payload = RawPayload{std::move(content)};
  return record;
}

TEST(PayloadTest, AReferenceTravelsWithoutBytesAndGetsThemBack) {
  ImageRecord record = RecordOf("picture");
  ReplaceByReference(record.payload);
  const auto read = RecordCodec::Decode(RecordCodec::Encode(record), Zone::kRaw);
  ASSERT_TRUE(read.has_value()) << read.error().message;
  EXPECT_EQ(read->payload, record.payload);
  EXPECT_TRUE(ContentOf(read->payload)->in_store);
  EXPECT_TRUE(ContentOf(read->payload)->bytes.empty());
  EXPECT_EQ(ContentOf(read->payload)->length(), 7u);

  Payload payload = read->payload;
  ASSERT_TRUE(AttachBytes(payload, SharedBytes("picture")));
  EXPECT_EQ(ContentOf(payload)->bytes.view(), "picture");
}

TEST(PayloadTest, RefusesBytesOfAnotherPicture) {
  ImageRecord record = RecordOf("picture");
  ReplaceByReference(record.payload);
  const Payload before = record.payload;
  EXPECT_FALSE(AttachBytes(record.payload, SharedBytes("picturf")));
  EXPECT_EQ(record.payload, before);
  Payload none;
  EXPECT_FALSE(AttachBytes(none, SharedBytes("picture")));
}

TEST(PayloadTest, AReferenceWithItsBytesAtHandIsStillEncodedAsOne) {
  ImageRecord record = RecordOf("picture");
  ReplaceByReference(record.payload);
  const std::string reference = RecordCodec::Encode(record);
  ASSERT_TRUE(AttachBytes(record.payload, SharedBytes("picture")));
  EXPECT_EQ(RecordCodec::Encode(record), reference);
}

TEST(PayloadTest, ARefusedImagesRecordHasNoReference) {
  ImageRecord record = RecordOf("picture");
  ReplaceByReference(record.payload);
  const auto read = RecordCodec::Decode(RecordCodec::EncodeWithoutPayload(record), Zone::kRaw);
  ASSERT_TRUE(read.has_value());
  EXPECT_FALSE(ContentOf(read->payload)->in_store);
}

TEST(PayloadTest, NoRawReferenceEntersTheSafeZone) {
  ImageRecord record = RecordOf("picture");
  ReplaceByReference(record.payload);
  const auto read = RecordCodec::Decode(RecordCodec::Encode(record), Zone::kSafe);
  ASSERT_FALSE(read.has_value());
  EXPECT_EQ(read.error().code, ErrorCode::kInput);
}

}  // namespace
}  // namespace winnow::record
