#include "services/balancer/balancer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <set>

#include "libs/record/codec.h"
#include "services/balancer/balancer_testing.h"

namespace winnow::balancer {
namespace {

using record::Disposition;
using record::ImageRecord;
using record::Reason;
using stream::Outcome;
using Targets = std::map<std::string, double>;
using Random = std::mt19937_64;

spec::CollectionSpec Spec(const Targets& targets, double tolerance, std::uint64_t warmup) {
  spec::CollectionSpec spec;
  spec.balance.axes = {{"class", targets, tolerance}};
  spec.balance.warmup = warmup;
  spec.digest = "digest of the spec";
  return spec;
}

const Targets kHalves = {{"a", 0.5}, {"b", 0.5}};

std::uint64_t EntriesUnder(const testing::StageDriver& driver, char prefix) {
  std::uint64_t count = 0;
  for (const auto& entry : driver.state.entries) count += entry.first[0] == prefix ? 1 : 0;
  return count;
}

// Where every record is, as a runner would account for it.
class Books {
 public:
  void Note(const Outcome& outcome) {
    const std::string& id = outcome.record.id.value();
    ASSERT_TRUE(place_.emplace(id, outcome.disposition).second) << id << " came twice";
    NoteRecord(outcome.record, outcome.disposition, outcome.reason);
    for (const stream::Settlement& settled : outcome.settled) {
      const std::string& held = settled.record.id.value();
      ASSERT_EQ(place_.at(held), Disposition::kDeferred) << held << " was not held";
      place_[held] = settled.disposition;
      NoteRecord(settled.record, settled.disposition, settled.reason);
    }
  }

  std::uint64_t Count(Disposition disposition) const {
    std::uint64_t count = 0;
    for (const auto& entry : place_) count += entry.second == disposition ? 1 : 0;
    return count;
  }
  Disposition At(const std::string& id) const { return place_.at(id); }
  std::uint64_t admitted(const std::string& label) const {
    const auto found = admitted_.find(label);
    return found == admitted_.end() ? 0 : found->second;
  }

 private:
  void NoteRecord(const ImageRecord& record, Disposition disposition, Reason reason) {
    EXPECT_EQ(record.history.back().disposition, disposition);
    EXPECT_EQ(record.history.back().reason, reason);
    EXPECT_EQ(std::holds_alternative<record::SafePayload>(record.payload),
              disposition != Disposition::kRejected);
    EXPECT_EQ(record.selection.has_value(), disposition == Disposition::kForwarded);
    if (disposition == Disposition::kForwarded) ++admitted_[record.attributes.at("class")];
  }

  std::map<std::string, Disposition> place_;
  std::map<std::string, std::uint64_t> admitted_;
};

// P(class i) ~ 1 / (i + 1).
std::string ZipfLabel(Random& random, int classes) {
  double sum = 0;
  for (int i = 0; i < classes; ++i) sum += 1.0 / (i + 1);
  double at = static_cast<double>(random() % 1'000'000) / 1e6 * sum;
  for (int i = 0; i < classes; ++i) {
    at -= 1.0 / (i + 1);
    if (at < 0) return "c" + std::to_string(i);
  }
  return "c0";
}

TEST(BalancerTest, ForwardsWhatHasRoomAndSaysUnderWhichStrata) {
  auto driver = Driver(Spec(kHalves, 0, 1));
  const Outcome outcome = driver.Process(Image("1", "a")).value();
  EXPECT_EQ(outcome.disposition, Disposition::kForwarded);
  EXPECT_THAT(outcome.record.selection->strata, ::testing::ElementsAre("class=a"));
  EXPECT_FALSE(outcome.record.selection->from_reserve);
}

TEST(BalancerTest, ReleasesTheBestHeldImageWhenRoomOpens) {
  auto driver = Driver(Spec(kHalves, 0, 1));
  ASSERT_EQ(driver.Process(Image("first", "a"))->reason, Reason::kNone);
  ASSERT_EQ(driver.Process(Image("blurred", "a", 0.3))->reason, Reason::kOverTargetShare);
  ASSERT_EQ(driver.Process(Image("sharp", "a", 0.9))->reason, Reason::kOverTargetShare);
  ASSERT_EQ(driver.Process(Image("as sharp", "a", 0.9))->reason, Reason::kOverTargetShare);
  const Outcome outcome = driver.Process(Image("other", "b")).value();
  ASSERT_EQ(outcome.disposition, Disposition::kForwarded);
  ASSERT_EQ(outcome.settled.size(), 1u);
  const stream::Settlement& settled = outcome.settled.front();
  EXPECT_EQ(settled.record.id, RecordId("sharp"));
  EXPECT_EQ(settled.disposition, Disposition::kForwarded);
  EXPECT_TRUE(settled.record.selection->from_reserve);
  EXPECT_EQ(ContentOf(settled.record.payload)->bytes.view(), "picture of sharp");
  ASSERT_EQ(settled.record.history.size(), 2u);
  EXPECT_EQ(settled.record.history.front().disposition, Disposition::kDeferred);
}

TEST(BalancerTest, GivesUpTheWorstWhenTheReserveIsFull) {
  spec::CollectionSpec spec = Spec(kHalves, 0, 1);
  spec.balance.reserve_images = 2;
  auto driver = Driver(spec);
  for (const auto& [id, sharpness] :
       std::map<std::string, double>{{"0", 0.5}, {"1", 0.5}, {"2", 0.7}}) {
    ASSERT_TRUE(driver.Process(Image(id, "a", sharpness)));
  }
  const Outcome better = driver.Process(Image("better", "a", 0.6)).value();
  EXPECT_EQ(better.disposition, Disposition::kDeferred);
  ASSERT_EQ(better.settled.size(), 1u);
  EXPECT_EQ(better.settled[0].record.id, RecordId("1"));
  EXPECT_EQ(better.settled[0].reason, Reason::kReserveFull);
  EXPECT_EQ(ContentOf(better.settled[0].record.payload), nullptr);

  const Outcome worse = driver.Process(Image("worse", "a", 0.1)).value();
  EXPECT_EQ(worse.disposition, Disposition::kRejected);
  EXPECT_EQ(worse.reason, Reason::kReserveFull);
  EXPECT_EQ(ContentOf(worse.record.payload), nullptr);
  EXPECT_TRUE(worse.settled.empty());
  EXPECT_EQ(EntriesUnder(driver, 'p'), 2u);
}

TEST(BalancerTest, BoundsTheReserveByBytesOfItsImages) {
  spec::CollectionSpec spec = Spec(kHalves, 0, 1);
  ImageRecord large = Image("large", "a", 1);
  large.payload = record::SafePayloadForTesting::Make(std::string(501, 'x'));
  spec.balance.reserve_bytes = 500;
  auto driver = Driver(spec);
  ASSERT_TRUE(driver.Process(Image("0", "a")));
  for (int i = 1; i <= 40; ++i) {
    ASSERT_TRUE(driver.Process(Image(std::to_string(i), "a", 0.01 * i)));
    std::uint64_t bytes = 0;
    for (const auto& [key, value] : driver.state.entries) {
      if (key[0] != 'p') continue;
      const auto held = record::RecordCodec::Decode(value, record::Zone::kSafe).value();
      bytes += record::ContentOf(held.payload)->length();
    }
    EXPECT_LE(bytes, spec.balance.reserve_bytes);
  }
  const std::uint64_t held = EntriesUnder(driver, 'p');
  EXPECT_EQ(held, 39u) << "13 bytes each, 12 of those below 10";
  EXPECT_EQ(driver.Process(large)->reason, Reason::kReserveFull);
  EXPECT_EQ(EntriesUnder(driver, 'p'), held) << "an image larger than the reserve empties nothing";
}

TEST(BalancerTest, DefersWhatTheObjectiveHasEnoughOf) {
  spec::CollectionSpec spec = Spec({}, 0.05, 50);
  spec.objective.target_counts = {{"a", 2}};
  spec.objective.target_images = 4;
  auto driver = Driver(spec);
  for (const char* id : {"1", "2"}) {
    ASSERT_EQ(driver.Process(Image(id, "a"))->reason, Reason::kNone);
  }
  EXPECT_EQ(driver.Process(Image("3", "a"))->reason, Reason::kQuotaReached);
  EXPECT_EQ(driver.Process(Image("4", "b"))->reason, Reason::kNone);
  EXPECT_EQ(driver.Process(Image("5", "b"))->reason, Reason::kNone);
  const Outcome last = driver.Process(Image("6", "b")).value();
  EXPECT_EQ(last.reason, Reason::kQuotaReached);
  EXPECT_EQ(last.record.history.back().thresholds.at("limit"), 4);
}

TEST(BalancerTest, ConvergesOnEqualSharesFromALongTailAndKeepsTheWholeTail) {
  constexpr int kClasses = 5;
  constexpr double kTolerance = 0.01;
  Random random(21);
  auto driver = Driver(Spec({}, kTolerance, 20));
  Books books;
  std::map<std::string, std::uint64_t> offered;
  for (int i = 0; i < 6000; ++i) {
    const std::string label = ZipfLabel(random, kClasses);
    ++offered[label];
    books.Note(driver.Process(Image(std::to_string(i), label)).value());
  }
  const auto total = static_cast<double>(books.Count(Disposition::kForwarded));
  for (int i = 0; i < kClasses; ++i) {
    const std::string label = "c" + std::to_string(i);
    const double share = static_cast<double>(books.admitted(label)) / total;
    EXPECT_LT(share, 1.0 / kClasses + kTolerance + 0.002) << label;
    // What the others may have above their targets is missing here, and no more.
    EXPECT_GT(share, 1.0 / kClasses - (kClasses - 1) * kTolerance - 0.002) << label;
  }
  EXPECT_EQ(books.admitted("c4"), offered["c4"]) << "the rarest is never held back";
  EXPECT_GT(offered["c0"], 2 * books.admitted("c0")) << "the stream was far from balanced";
}

TEST(BalancerTest, MeetsListedTargetsWhateverTheStreamLooksLike) {
  Random random(22);
  const Targets targets = {{"c0", 0.1}, {"c1", 0.2}, {"c2", 0.7}};
  auto driver = Driver(Spec(targets, 0.01, 10));
  Books books;
  for (int i = 0; i < 6000; ++i) {
    books.Note(driver.Process(Image(std::to_string(i), ZipfLabel(random, 3))).value());
  }
  const auto total = static_cast<double>(books.Count(Disposition::kForwarded));
  for (const auto& [label, target] : targets) {
    EXPECT_NEAR(static_cast<double>(books.admitted(label)) / total, target, 0.025) << label;
  }
}

TEST(BalancerTest, RecoversTheSharesOfAStreamSortedByClass) {
  auto driver = Driver(Spec(kHalves, 0, 10));
  Books books;
  for (int i = 0; i < 500; ++i) {
    books.Note(driver.Process(Image("a" + std::to_string(i), "a")).value());
  }
  EXPECT_EQ(books.admitted("a"), 10u) << "waits for b";
  for (int i = 0; i < 300; ++i) {
    books.Note(driver.Process(Image("b" + std::to_string(i), "b")).value());
  }
  EXPECT_EQ(books.admitted("b"), 300u);
  EXPECT_NEAR(static_cast<double>(books.admitted("a")), 300, 1);
}

TEST(BalancerTest, BalancesSeveralAxesAtOnce) {
  Random random(23);
  spec::CollectionSpec spec = Spec({}, 0.02, 10);
  spec.balance.axes.push_back({"attribute:weather", {{"sun", 0.5}, {"rain", 0.5}}, 0.02});
  auto driver = Driver(spec);
  std::map<std::string, double> counts;
  double total = 0;
  double rain = 0;
  const auto count = [&](const ImageRecord& record) {
    ++total;
    for (const std::string& stratum : record.selection->strata) ++counts[stratum];
  };
  for (int i = 0; i < 6000; ++i) {
    ImageRecord image = Image(std::to_string(i), ZipfLabel(random, 3));
    const bool rains = random() % 8 == 0;
    image.attributes["weather"] = rains ? "rain" : "sun";
    rain += rains ? 1 : 0;
    const Outcome outcome = driver.Process(image).value();
    if (outcome.disposition == Disposition::kForwarded) count(outcome.record);
    for (const auto& settled : outcome.settled) count(settled.record);
  }
  // Rain is one image in eight and half of the target: all of it must get in.
  EXPECT_EQ(counts["attribute:weather=rain"], rain);
  EXPECT_NEAR(counts["attribute:weather=rain"] / total, 0.5, 0.025);
  for (const char* label : {"class=c0", "class=c1", "class=c2"}) {
    EXPECT_NEAR(counts[label] / total, 1.0 / 3, 0.045) << label;
  }
}

// A stream with everything in it: axes, quotas, a small reserve.
spec::CollectionSpec BusySpec() {
  spec::CollectionSpec spec = Spec({{"c0", 0.3}}, 0.02, 5);
  spec.balance.axes.push_back({"site", {}, 0.1});
  spec.balance.reserve_images = 40;
  spec.balance.reserve_bytes = 30 * 14;
  spec.objective.target_counts = {{"c1", 60}};
  return spec;
}

ImageRecord BusyImage(Random& random, int i) {
  ImageRecord image = Image(std::to_string(i), ZipfLabel(random, 6),
                            static_cast<double>(random() % 10) / 10);
  image.source.site = random() % 5 == 0 ? "south" : "north";
  for (std::uint64_t extra = random() % 3; extra > 0; --extra) {
    image.annotations.emplace_back();
    image.annotations.back().label = ZipfLabel(random, 6);
  }
  return image;
}

TEST(BalancerTest, KeepsEveryRecordInExactlyOnePlace) {
  Random random(24);
  auto driver = Driver(BusySpec());
  Books books;
  for (int i = 0; i < 1500; ++i) {
    books.Note(driver.Process(BusyImage(random, i)).value());
    const std::uint64_t held = EntriesUnder(driver, 'p');
    ASSERT_EQ(held, EntriesUnder(driver, 'q'));
    ASSERT_EQ(held, books.Count(Disposition::kDeferred));
    ASSERT_LE(held, 40u);
  }
  for (const auto& [key, value] : driver.state.entries) {
    if (key[0] != 'p') continue;
    const auto held = record::RecordCodec::Decode(value, record::Zone::kSafe).value();
    EXPECT_EQ(books.At(held.id.value()), Disposition::kDeferred);
  }
  EXPECT_GT(books.Count(Disposition::kForwarded), 100u);
  EXPECT_GT(books.Count(Disposition::kRejected), 100u);
  EXPECT_GT(books.Count(Disposition::kDeferred), 10u);
}

void ExpectSameOutcome(const Outcome& a, const Outcome& b, int i) {
  ASSERT_EQ(a.record, b.record) << i;
  ASSERT_EQ(a.settled.size(), b.settled.size()) << i;
  for (std::size_t s = 0; s < a.settled.size(); ++s) {
    ASSERT_EQ(a.settled[s].record, b.settled[s].record) << i;
  }
}

TEST(BalancerTest, DecidesTheSameHoweverOftenItIsReopened) {
  Random random(25);
  Random pauses(26);
  auto steady = Driver(BusySpec());
  auto interrupted = Driver(BusySpec());
  for (int i = 0; i < 1500; ++i) {
    const ImageRecord image = BusyImage(random, i);
    ExpectSameOutcome(steady.Process(image).value(), interrupted.Process(image).value(), i);
    if (pauses() % 20 == 0) {
      interrupted.Reopen();
      ASSERT_TRUE(interrupted.opened);
    }
  }
  EXPECT_EQ(steady.state.entries, interrupted.state.entries);
}

struct Answer {
  Disposition disposition;
  Reason reason;
  bool from_reserve;
  friend bool operator==(const Answer&, const Answer&) = default;
};

Answer AnswerOf(const ImageRecord& record) {
  return {record.history.back().disposition, record.history.back().reason,
          record.selection && record.selection->from_reserve};
}

TEST(BalancerTest, TellsARecordOfferedAgainWhatBecameOfItAndCountsItOnce) {
  Random random(27);
  auto driver = Driver(BusySpec());
  std::vector<ImageRecord> images;
  std::map<std::string, Answer> answers;
  std::map<Disposition, int> settled;
  for (int i = 0; i < 300; ++i) {
    images.push_back(BusyImage(random, i));
    const Outcome outcome = driver.Process(images.back()).value();
    answers[outcome.record.id.value()] = AnswerOf(outcome.record);
    for (const auto& settlement : outcome.settled) {
      answers[settlement.record.id.value()] = AnswerOf(settlement.record);
      ++settled[settlement.disposition];
    }
  }
  EXPECT_GT(settled[Disposition::kForwarded], 5);
  EXPECT_GT(settled[Disposition::kRejected], 5);
  const auto before = driver.state.entries;
  for (std::size_t i = 0; i < images.size(); ++i) {
    const Outcome again = driver.Process(images[i]).value();
    ASSERT_EQ(AnswerOf(again.record), answers.at(again.record.id.value())) << i;
    ASSERT_EQ(again.disposition, AnswerOf(again.record).disposition);
    ASSERT_TRUE(again.settled.empty());
    if (i % 50 == 0) driver.Reopen();
  }
  EXPECT_EQ(driver.state.entries, before);
}

TEST(BalancerTest, DecidesTheSameOfReferencesAndHoldsNoBytesOfThem) {
  Random random(28);
  auto whole = Driver(BusySpec());
  auto referring = Driver(BusySpec());
  std::size_t released = 0;
  for (int i = 0; i < 400; ++i) {
    ImageRecord image = BusyImage(random, i);
    const Outcome expected = whole.Process(image).value();
    record::ReplaceByReference(image.payload);
    const Outcome outcome = referring.Process(image).value();
    ASSERT_EQ(AnswerOf(outcome.record), AnswerOf(expected.record));
    ASSERT_EQ(outcome.settled.size(), expected.settled.size());
    for (std::size_t s = 0; s < outcome.settled.size(); ++s) {
      const ImageRecord& record = outcome.settled[s].record;
      ASSERT_EQ(record.id, expected.settled[s].record.id);
      ASSERT_EQ(AnswerOf(record), AnswerOf(expected.settled[s].record));
      const record::PayloadContent* content = record::ContentOf(record.payload);
      if (content == nullptr) continue;
      ++released;
      EXPECT_TRUE(content->in_store && content->bytes.empty());
      EXPECT_EQ(content->length(),
                record::ContentOf(expected.settled[s].record.payload)->length());
    }
  }
  EXPECT_GT(released, 5u);
  for (const auto& [key, value] : referring.state.entries) {
    EXPECT_EQ(value.find("picture of"), std::string::npos);
  }
}

TEST(BalancerTest, BoundsWhatOneArrivalReleases) {
  // c0 may be nine tenths, but only beside the others: each b makes room for about nine.
  auto driver = Driver(Spec({{"a", 0.9}, {"b", 0.1}}, 0, 0));
  Books books;
  for (int i = 0; i < 200; ++i) {
    books.Note(driver.Process(Image("a" + std::to_string(i), "a")).value());
  }
  const std::uint64_t waiting = books.Count(Disposition::kDeferred);
  const Outcome outcome = driver.Process(Image("b", "b")).value();
  EXPECT_GE(outcome.settled.size(), 8u);
  EXPECT_LE(outcome.settled.size(), 10u);
  books.Note(outcome);
  EXPECT_EQ(books.Count(Disposition::kDeferred), waiting - outcome.settled.size());
}

TEST(BalancerTest, WillNotMixCountsOfDifferentAxes) {
  auto driver = Driver(Spec(kHalves, 0, 1));
  ASSERT_TRUE(driver.Process(Image("1", "a")));
  spec::CollectionSpec other = Spec(kHalves, 0, 1);
  other.balance.axes.push_back({"site", {}, 0.1});
  EXPECT_EQ(NewBalancer(other)->Open(driver.state).error().code, ErrorCode::kConfig);
  EXPECT_TRUE(NewBalancer(Spec({{"a", 0.9}}, 0.2, 7))->Open(driver.state))
      << "targets, tolerance and warmup may change";
}

TEST(BalancerTest, RefusesAxesItDoesNotKnow) {
  spec::CollectionSpec spec;
  spec.balance.axes = {{"weather", {}, 0.05}};
  EXPECT_EQ(Driver(spec).opened.error().code, ErrorCode::kConfig);
}

TEST(BalancerTest, RefusesUnredactedBytesSoThatTheReserveCannotLaunderThem) {
  auto driver = Driver(Spec(kHalves, 0, 0));
  ImageRecord raw = Image("1", "a");
  raw.payload = record::RawPayload{*ContentOf(raw.payload)};
  EXPECT_EQ(driver.Process(raw).error().code, ErrorCode::kBug);
  raw.payload = std::monostate();
  EXPECT_EQ(driver.Process(raw).error().code, ErrorCode::kInput);
  EXPECT_TRUE(driver.state.entries.empty());
}

TEST(BalancerTest, StopsForGoodWhenAHeldImageIsLost) {
  auto driver = Driver(Spec(kHalves, 0, 1));
  ASSERT_TRUE(driver.Process(Image("1", "a")));
  ASSERT_EQ(driver.Process(Image("2", "a"))->disposition, Disposition::kDeferred);
  auto& entries = driver.state.entries;
  entries.erase(entries.lower_bound("p"));
  for (const char* id : {"3", "4"}) {
    EXPECT_EQ(driver.Process(Image(id, "b")).error().code, ErrorCode::kCorruptState);
  }
}

TEST(BalancerTest, NoticesCorruptStateWhenOpened) {
  auto driver = Driver(Spec(kHalves, 0, 1));
  ASSERT_TRUE(driver.Process(Image("1", "a")));
  ASSERT_TRUE(driver.Process(Image("2", "a")));
  for (const auto& [key, value] : std::map(driver.state.entries)) {
    if (std::string("tnq").find(key[0]) == std::string::npos) continue;
    driver.state.entries[key] = value + "x";
    driver.Reopen();
    ASSERT_FALSE(driver.opened) << key[0];
    EXPECT_EQ(driver.opened.error().code, ErrorCode::kCorruptState);
    driver.state.entries[key] = value;
  }
}

}  // namespace
}  // namespace winnow::balancer
