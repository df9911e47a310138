// What every stage promises, asked of each of them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <map>

#include "libs/record/codec.h"
#include "libs/testing/safe_payload.h"
#include "tests/compliance/stages.h"

namespace winnow::compliance {
namespace {

using record::Disposition;
using record::ImageRecord;
using record::Reason;
using stream::Outcome;
using stream::Settlement;

std::map<std::string, std::string> ByKey(const std::vector<stream::StateWrite>& writes) {
  std::map<std::string, std::string> by_key;
  for (const auto& write : writes) by_key[write.key] = write.value.value_or("(deleted)");
  return by_key;
}

void ExpectEqual(const Outcome& a, const Outcome& b) {
  EXPECT_EQ(a.disposition, b.disposition);
  EXPECT_EQ(a.reason, b.reason);
  EXPECT_EQ(a.record, b.record) << a.record.source.path;
  EXPECT_EQ(ByKey(a.writes), ByKey(b.writes));
  ASSERT_EQ(a.settled.size(), b.settled.size());
  for (std::size_t i = 0; i < a.settled.size(); ++i) {
    EXPECT_EQ(a.settled[i].record, b.settled[i].record);
    EXPECT_EQ(a.settled[i].disposition, b.settled[i].disposition);
    EXPECT_EQ(a.settled[i].reason, b.settled[i].reason);
  }
}

// The verdict at the end of the history says what the outcome says, and who, when and by which
// spec.
void ExpectVerdict(Stage stage, const ImageRecord& record, Disposition disposition, Reason reason,
                   Timestamp now) {
  ASSERT_FALSE(record.history.empty());
  const record::StageVerdict& verdict = record.history.back();
  EXPECT_EQ(verdict.stage, Name(stage));
  EXPECT_EQ(verdict.disposition, disposition);
  EXPECT_EQ(verdict.reason, reason);
  EXPECT_EQ(verdict.spec_digest, Spec().digest);
  EXPECT_EQ(verdict.time, now);
  const bool goes_well =
      disposition == Disposition::kForwarded || disposition == Disposition::kStored;
  EXPECT_EQ(reason == Reason::kNone, goes_well);
  EXPECT_TRUE(goes_well || !verdict.detail.empty()) << "why was this image dropped?";
}

// Who may hold pixels, and of which kind. (That the validator leaves the kind as it is, is asked of
// its whole stream below: ZoneTest.)
void ExpectPayload(Stage stage, const ImageRecord& record, Disposition disposition) {
  if (disposition == Disposition::kRejected || disposition == Disposition::kReview) {
    EXPECT_EQ(ContentOf(record.payload), nullptr);
    EXPECT_EQ(record.attachment, nullptr);
  } else if (stage == Stage::kValidator) {
    EXPECT_NE(ContentOf(record.payload), nullptr);
  } else {
    EXPECT_TRUE(std::holds_alternative<record::SafePayload>(record.payload));
    EXPECT_EQ(record.attachment, nullptr) << "decoded raw pixels must not enter the safe zone";
  }
}

void ExpectConsistent(Stage stage, const ImageRecord& before, const Outcome& outcome,
                      Timestamp now) {
  EXPECT_EQ(outcome.record.id, before.id);
  ASSERT_EQ(outcome.record.history.size(), before.history.size() + 1);
  for (std::size_t i = 0; i < before.history.size(); ++i) {
    EXPECT_EQ(outcome.record.history[i], before.history[i]);
  }
  ExpectVerdict(stage, outcome.record, outcome.disposition, outcome.reason, now);
  ExpectPayload(stage, outcome.record, outcome.disposition);
  for (const Settlement& settled : outcome.settled) {
    ASSERT_GE(settled.record.history.size(), 2u);
    const record::StageVerdict& deferral = settled.record.history.end()[-2];
    EXPECT_EQ(deferral.stage, Name(stage));
    EXPECT_EQ(deferral.disposition, Disposition::kDeferred);
    ExpectVerdict(stage, settled.record, settled.disposition, settled.reason, now);
    ExpectPayload(stage, settled.record, settled.disposition);
  }
}

class ComplianceTest : public ::testing::TestWithParam<Stage> {
 protected:
  Stage stage() const { return GetParam(); }
};

INSTANTIATE_TEST_SUITE_P(AllStages, ComplianceTest, ::testing::ValuesIn(kAllStages),
                         [](const auto& test) {
                           std::string name(Name(test.param));
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

TEST_P(ComplianceTest, CallsItselfByOneNameAndScope) {
  const auto a = Make(stage(), Spec());
  const auto b = Make(stage(), Spec());
  EXPECT_EQ(a->name(), Name(stage()));
  EXPECT_EQ(a->scope(), b->scope());
}

TEST_P(ComplianceTest, ConcludesEveryRecordConsistently) {
  auto driver = Driver(stage());
  std::map<Disposition, int> seen;
  for (const ImageRecord& record : Arrivals(stage())) {
    driver.clock.Advance(std::chrono::milliseconds(7));
    const Outcome outcome = driver.Process(record).value();
    ExpectConsistent(stage(), record, outcome, driver.clock.Now());
    ++seen[outcome.disposition];
    for (const Settlement& settled : outcome.settled) ++seen[settled.disposition];
  }
  // Or the above would have shown little.
  EXPECT_GT(seen[Disposition::kForwarded] + seen[Disposition::kStored], 4);
  if (stage() == Stage::kValidator || stage() == Stage::kDeduper) {
    EXPECT_GT(seen[Disposition::kRejected], 2);
  }
  if (stage() == Stage::kBalancer) {
    EXPECT_GT(seen[Disposition::kDeferred], 2);
    EXPECT_GT(seen[Disposition::kRejected], 0);
  }
}

TEST_P(ComplianceTest, GivesEqualOutcomesForEqualInputs) {
  auto one = Driver(stage());
  auto other = Driver(stage());
  for (const ImageRecord& record : Arrivals(stage())) {
    ExpectEqual(one.Process(record).value(), other.Process(record).value());
  }
  EXPECT_EQ(one.state.entries, other.state.entries);
}

TEST_P(ComplianceTest, NeedsNoAttachment) {
  auto with = Driver(stage());
  auto without = Driver(stage());
  int attached = 0;
  for (ImageRecord record : Arrivals(stage())) {
    const Outcome expected = with.Process(record).value();
    attached += record.attachment != nullptr ? 1 : 0;
    record.attachment.reset();
    ExpectEqual(without.Process(record).value(), expected);
  }
  EXPECT_EQ(attached > 0, stage() == Stage::kBlurrer) << "the only stage another leaves pixels for";
}

TEST_P(ComplianceTest, IsNotChangedByRedelivery) {
  auto driver = Driver(stage());
  std::vector<Outcome> first;
  std::map<RecordId, ImageRecord> settled;
  for (const ImageRecord& record : Arrivals(stage())) {
    first.push_back(driver.Process(record).value());
    for (const auto& settlement : first.back().settled) {
      settled[settlement.record.id] = settlement.record;
    }
  }
  EXPECT_EQ(!settled.empty(), stage() == Stage::kBalancer) << "the only stage that changes answers";
  const auto before = driver.state.entries;
  std::size_t i = 0;
  for (const ImageRecord& record : Arrivals(stage())) {
    const Outcome again = driver.Process(record).value();
    const ImageRecord& then = first[i++].record;
    EXPECT_TRUE(again.settled.empty());
    const auto fate = settled.find(record.id);
    if (fate == settled.end()) {
      EXPECT_EQ(again.record, then) << record.source.path;
      continue;
    }
    // Deferred then, decided since: told what became of it.
    EXPECT_EQ(again.disposition, fate->second.history.back().disposition);
    EXPECT_EQ(again.reason, fate->second.history.back().reason);
    EXPECT_EQ(again.record.selection, fate->second.selection);
  }
  EXPECT_EQ(driver.state.entries, before);
}

TEST_P(ComplianceTest, TakesUpWhereAThrownAwayProcessorStopped) {
  auto steady = Driver(stage());
  auto reopened = Driver(stage());
  for (const ImageRecord& record : Arrivals(stage())) {
    reopened.Reopen();
    ASSERT_TRUE(reopened.opened);
    ExpectEqual(reopened.Process(record).value(), steady.Process(record).value());
  }
}

TEST_P(ComplianceTest, KeepsWhatARecordCameWith) {
  auto driver = Driver(stage());
  for (ImageRecord record : Arrivals(stage())) {
    record.unknown_fields = "\x80\x7d\x01";  // field 2000 of a newer schema, varint 1
    record.source.site = "gate 4";
    const Outcome outcome = driver.Process(record).value();
    EXPECT_EQ(outcome.record.unknown_fields, record.unknown_fields);
    EXPECT_EQ(outcome.record.collection, record.collection);
    EXPECT_EQ(outcome.record.source, record.source);
    EXPECT_EQ(outcome.record.attributes, record.attributes);
    EXPECT_EQ(outcome.record.annotations, record.annotations);
    EXPECT_EQ(outcome.record.consent, record.consent);
    EXPECT_EQ(outcome.record.captured_at, record.captured_at);
    EXPECT_EQ(outcome.record.ingested_at, record.ingested_at);
  }
}

// ---- garbage -----------------------------------------------------------------------------------

struct Garbage {
  std::string what;
  ImageRecord record;
  bool wrong_payload = false;  // a broken promise of the stage before: kBug is an answer, too
};

void SetAbsurdFigures(ImageRecord& record, double figure, std::uint32_t size) {
  record::Measurements measured;
  measured.sharpness = measured.brightness_p5 = measured.brightness_p99 = figure;
  measured.brightness_mean = measured.contrast = measured.noise_sigma = figure;
  measured.entropy_bits = measured.blockiness = figure;
  measured.width = measured.height = size;
  measured.orientation = std::numeric_limits<int>::min();
  record.measurements = measured;
  record.fingerprint =
      record::Fingerprint{{~0ull, 0, ~0ull, 0}, std::numeric_limits<int>::max(), {}};
  record::Annotation annotation;
  annotation.label = "common";
  annotation.box = record::Box{figure, -figure, figure, figure};
  annotation.polygons = record::Polygons{{{{figure, figure}}, {}}};
  annotation.mask = record::MaskRle{size, size, {size, size}};
  annotation.keypoints = {{{figure, figure}, -1}};
  record.annotations.push_back(annotation);
  record.captured_at = record.ingested_at = Timestamp::min();
}

ImageRecord WithContent(ImageRecord record, const std::string& bytes) {
  record::PayloadContent content;
  content.bytes = SharedBytes(bytes);
  content.sha256 = Sha256(bytes);
  if (std::holds_alternative<record::RawPayload>(record.payload)) {
    record.payload = record::RawPayload{content};
  } else {
    record.payload = record::SafePayloadForTesting::Make(content);
  }
  return record;
}

std::vector<Garbage> AllGarbage(const ImageRecord& good) {
  std::vector<Garbage> all;
  int count = 0;
  const auto add = [&](const std::string& what, ImageRecord record, bool wrong_payload = false) {
    if (!record.id.empty()) record.id = RecordId("garbage " + std::to_string(++count));
    all.push_back({what, std::move(record), wrong_payload});
  };
  const auto changed = [&](auto change) {
    ImageRecord record = good;
    record.attachment.reset();
    change(record);
    return record;
  };
  add("nothing at all", ImageRecord(), true);
  add("empty ids", changed([](ImageRecord& r) {
        r.id = RecordId();
        r.collection = CollectionId();
        r.source = record::Source();
      }));
  add("no payload", changed([](ImageRecord& r) { r.payload = std::monostate(); }), true);
  add("no bytes", WithContent(good, ""));
  add("bytes that are no image", WithContent(good, std::string(3000, '\xff')));
  add("a header and nothing else",
      WithContent(good, std::string("\xff\xd8\xff\xe0\0\x10JFIF", 10)));
  add("payload of the other zone", changed([](ImageRecord& r) {
        const record::PayloadContent content = *ContentOf(r.payload);
        if (std::holds_alternative<record::RawPayload>(r.payload)) {
          r.payload = record::SafePayloadForTesting::Make(content);
        } else {
          r.payload = record::RawPayload{content};
        }
      }), true);
  add("content digest of zeros", changed([](ImageRecord& r) {
        record::PayloadContent content = *ContentOf(r.payload);
        content.sha256 = {};
        if (std::holds_alternative<record::RawPayload>(r.payload)) {
          r.payload = record::RawPayload{content};
        } else {
          r.payload = record::SafePayloadForTesting::Make(content);
        }
      }));
  add("no measurements, no fingerprint", changed([](ImageRecord& r) {
        r.measurements.reset();
        r.fingerprint.reset();
        r.redaction.reset();
        r.duplicate.reset();
      }));
  for (const double figure : {std::numeric_limits<double>::quiet_NaN(),
                              std::numeric_limits<double>::infinity(), -1e308, 1e308, 0.0}) {
    add("absurd figures", changed([&](ImageRecord& r) { SetAbsurdFigures(r, figure, ~0u); }));
    add("absurd figures", changed([&](ImageRecord& r) { SetAbsurdFigures(r, figure, 0); }));
  }
  add("text that is none", changed([](ImageRecord& r) {
        const std::string noise("\0\xff\xc3\x28/../\n", 9);
        r.source.id = SourceId(noise);
        r.source.path = r.source.site = noise;
        r.attributes = {{noise, noise}, {"class", noise}, {"", ""}};
        r.annotations.emplace_back();
        r.annotations.back().label = noise;
      }));
  add("very long text", changed([](ImageRecord& r) {
        r.attributes["class"] = std::string(1 << 20, 'x');
        r.source.path = std::string(1 << 20, 'y');
      }));
  add("ten thousand labels", changed([](ImageRecord& r) {
        r.annotations.resize(10'000);
        for (std::size_t i = 0; i < r.annotations.size(); ++i) {
          r.annotations[i].label = std::to_string(i);
        }
      }));
  add("a fault of the source", changed([](ImageRecord& r) {
        r.source_fault = Reason::kUnreadable;
        r.source_fault_detail = "permission denied";
      }));
  return all;
}

TEST_P(ComplianceTest, JudgesGarbageOrRefusesItCleanly) {
  auto driver = Driver(stage());
  const std::vector<ImageRecord> arrivals = Arrivals(stage());
  for (const Garbage& garbage : AllGarbage(arrivals.front())) {
    SCOPED_TRACE(garbage.what);
    const Result<Outcome> outcome = driver.Process(garbage.record);
    if (outcome) {
      ExpectConsistent(stage(), garbage.record, *outcome, driver.clock.Now());
      continue;
    }
    const bool clean = outcome.error().code == ErrorCode::kInput ||
                       (garbage.wrong_payload && outcome.error().code == ErrorCode::kBug);
    EXPECT_TRUE(clean) << ErrorCodeName(outcome.error().code) << ": " << outcome.error().message;
    EXPECT_FALSE(outcome.error().message.empty());
  }
  driver.Reopen();
  EXPECT_TRUE(driver.opened) << "garbage must not spoil the state";
  EXPECT_TRUE(driver.Process(arrivals.back()));
}

TEST_P(ComplianceTest, IsNotChangedByWhatItRefusesToJudge) {
  auto clean = Driver(stage());
  auto disturbed = Driver(stage());
  int refused = 0;
  for (const ImageRecord& record : Arrivals(stage())) {
    ImageRecord anonymous = record;
    anonymous.id = RecordId();
    anonymous.payload = std::monostate();
    refused += disturbed.Process(anonymous) ? 0 : 1;
    ExpectEqual(disturbed.Process(record).value(), clean.Process(record).value());
  }
  EXPECT_TRUE(refused > 0 || stage() == Stage::kValidator);
}

// ---- zones -------------------------------------------------------------------------------------

// As the record reads after its way over a topic.
ImageRecord Sent(const ImageRecord& record, record::Extent extent) {
  return record::RecordCodec::Decode(record::RecordCodec::Encode(record), record::Zone::kSafe,
                                     extent)
      .value();
}

TEST(OutlineTest, IsAllThatTheDeduperJudgesBy) {
  ASSERT_EQ(Make(Stage::kDeduper, Spec())->sees(), record::Extent::kOutline);
  auto seeing_all = Driver(Stage::kDeduper);
  auto seeing_outlines = Driver(Stage::kDeduper);
  for (ImageRecord record : Arrivals(Stage::kDeduper)) {
    record::ReplaceByReference(record.payload);
    ImageRecord outline = Sent(record, record::Extent::kOutline);
    ASSERT_FALSE(outline.undecoded.empty());
    Outcome expected = seeing_all.Process(Sent(record, record::Extent::kWhole)).value();
    Outcome outcome = seeing_outlines.Process(std::move(outline)).value();
    outcome.record = Sent(outcome.record, record::Extent::kWhole);
    expected.record = Sent(expected.record, record::Extent::kWhole);
    ExpectEqual(outcome, expected);
  }
}

TEST(ZoneTest, OnlyTheBlurrerTurnsRawPayloadsIntoSafeOnes) {
  for (const Stage stage : kAllStages) {
    const bool raw = stage == Stage::kValidator || stage == Stage::kBlurrer;
    for (const ImageRecord& record : Arrivals(stage)) {
      if (ContentOf(record.payload) == nullptr) continue;
      EXPECT_EQ(std::holds_alternative<record::RawPayload>(record.payload), raw) << Name(stage);
    }
  }
}

TEST(ZoneTest, StagesOfTheSafeZoneRefuseRawBytesAsABug) {
  const ImageRecord raw = Arrivals(Stage::kBlurrer).front();
  for (const Stage stage : {Stage::kDeduper, Stage::kBalancer, Stage::kSink}) {
    const Result<Outcome> outcome = Driver(stage).Process(raw);
    ASSERT_FALSE(outcome) << Name(stage);
    EXPECT_EQ(outcome.error().code, ErrorCode::kBug) << Name(stage);
  }
}

TEST(ZoneTest, ReviewedRecordsCarryNoPixels) {
  testing::StageDriver driver([] { return MakeDistrustfulBlurrer(Spec()); });
  for (const ImageRecord& record : Arrivals(Stage::kBlurrer)) {
    const Outcome outcome = driver.Process(record).value();
    EXPECT_EQ(outcome.disposition, Disposition::kReview);
    EXPECT_EQ(outcome.reason, Reason::kResidualFace);
    ExpectConsistent(Stage::kBlurrer, record, outcome, driver.clock.Now());
  }
}

}  // namespace
}  // namespace winnow::compliance
