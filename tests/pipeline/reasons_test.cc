// Every reason of the closed set is produced by some input, through the whole pipeline.
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <random>
#include <set>

#include "libs/image/thumbnail.h"
#include "libs/testing/images.h"
#include "tests/pipeline/marker_detector.h"
#include "tests/pipeline/pipeline_driver.h"

namespace winnow::pipeline_test {
namespace {

using record::Reason;

// An input folder and a spec under which "car/it.*" gets `reason`.
struct Case {
  Reason reason;
  std::string file;
  std::function<void(spec::CollectionSpec&)> spec;
  std::function<void(PipelineDriver&)> input;
};

std::string Encode(const image::Pixels& pixels) {
  return image::JpegThumbnail(pixels, std::max(pixels.width, pixels.height), 95).value();
}

std::string WithPixels(const std::function<int(int value, std::uint32_t index)>& change) {
  image::Pixels pixels = testing::MakePixels();
  for (std::uint32_t i = 0; i < pixels.bgr.size(); ++i) {
    pixels.bgr[i] = static_cast<std::uint8_t>(std::clamp(change(pixels.bgr[i], i), 0, 255));
  }
  return Encode(pixels);
}

std::string Noisy() {
  std::mt19937 random(1);
  std::normal_distribution<double> noise(0, 40);
  return WithPixels([&](int value, std::uint32_t) { return value + static_cast<int>(noise(random)); });
}

std::string Flat() {
  return WithPixels([](int, std::uint32_t) { return 128; });
}

std::string Bright() {
  return WithPixels([](int value, std::uint32_t) { return 250 + value / 50; });
}

std::string DamagedPng() {
  std::string bytes = testing::MakePng();
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 0xff);
  return bytes;
}

std::string WithFaces(const std::vector<record::Box>& faces) {
  image::Pixels pixels = testing::MakePixels();
  for (const record::Box& face : faces) PaintMarker(pixels, face);
  return Encode(pixels);
}

std::string Stubborn() {
  image::Pixels pixels = testing::MakePixels();
  PaintStubbornMarker(pixels);
  return Encode(pixels);
}

std::string ConsentJson(const std::string& consent) { return "{\"consent\": " + consent + "}"; }

void Nothing(spec::CollectionSpec&) {}

std::function<void(PipelineDriver&)> Write(const std::string& name, const std::string& bytes) {
  return [=](PipelineDriver& driver) { driver.input.Write(name, bytes); };
}

std::function<void(PipelineDriver&)> WithSidecar(const std::string& json) {
  return [=](PipelineDriver& driver) {
    driver.input.Write("car/it.jpg", testing::MakeJpeg());
    driver.input.Write("car/it.json", json);
  };
}

std::function<void(PipelineDriver&)> Many(const std::string& prefix, std::uint32_t count) {
  return [=](PipelineDriver& driver) {
    for (std::uint32_t i = 0; i < count; ++i) {
      driver.input.Write(prefix + std::to_string(i) + ".jpg", testing::MakeJpeg({.seed = i + 1}));
    }
  };
}

void NeedsConsent(spec::CollectionSpec& spec) { spec.validate.required_consent_purpose = "train"; }

std::vector<Case> FileCases() {
  const std::string jpeg = testing::MakeJpeg();
  return {
      {Reason::kNone, "car/it.jpg", Nothing, Write("car/it.jpg", jpeg)},
      {Reason::kEmptyFile, "car/it.jpg", Nothing, Write("car/it.jpg", "")},
      {Reason::kUnreadable, "car/it.jpg", Nothing,
       [=](PipelineDriver& driver) {
         driver.input.Write("car/it.jpg", jpeg);
         const std::string path = driver.input.path() + "/car/it.jpg";
         driver.before_load = [path] { std::filesystem::remove(path); };
       }},
      {Reason::kTooManyBytes, "car/it.jpg",
       [](spec::CollectionSpec& spec) { spec.validate.max_bytes = 100; }, Write("car/it.jpg", jpeg)},
      {Reason::kUnsupportedFormat, "car/it.jpg", Nothing, Write("car/it.jpg", "dear diary")},
      {Reason::kTruncated, "car/it.jpg", Nothing,
       Write("car/it.jpg", jpeg.substr(0, jpeg.size() / 2))},
      {Reason::kCorrupt, "car/it.png", Nothing, Write("car/it.png", DamagedPng())},
      {Reason::kTooManyPixels, "car/it.jpg",
       [](spec::CollectionSpec& spec) { spec.validate.max_pixels = 1000; },
       Write("car/it.jpg", jpeg)},
      {Reason::kDecodeTimeout, "car/it.jpg",
       [](spec::CollectionSpec& spec) { spec.validate.max_decode_seconds = 1e-9; },
       Write("car/it.jpg", jpeg)},
  };
}

std::vector<Case> QualityCases() {
  return {
      {Reason::kTooSmall, "car/it.jpg", Nothing,
       Write("car/it.jpg", testing::MakeJpeg({.width = 60, .height = 60}))},
      {Reason::kAspectRatio, "car/it.jpg", Nothing,
       Write("car/it.jpg", testing::MakeJpeg({.width = 800, .height = 100}))},
      {Reason::kTooDark, "car/it.jpg", Nothing,
       Write("car/it.jpg", testing::MakeJpeg({.brightness = 0.1}))},
      {Reason::kTooBright, "car/it.jpg", Nothing, Write("car/it.jpg", Bright())},
      {Reason::kBlurry, "car/it.jpg", Nothing,
       Write("car/it.jpg", testing::MakeJpeg({.blur = 10}))},
      {Reason::kNoisy, "car/it.jpg", Nothing, Write("car/it.jpg", Noisy())},
      {Reason::kLowInformation, "car/it.jpg", Nothing, Write("car/it.jpg", Flat())},
      {Reason::kOvercompressed, "car/it.jpg", Nothing,
       Write("car/it.jpg", testing::MakeJpeg({.quality = 2}))},
  };
}

std::vector<Case> LabelAndConsentCases() {
  return {
      {Reason::kAnnotationUnreadable, "car/it.jpg", Nothing, WithSidecar("{\"boxes\": [")},
      {Reason::kAnnotationInvalid, "car/it.jpg", Nothing,
       WithSidecar(R"({"boxes": [{"label": "car", "bbox": [5000, 10, 20, 20]}]})")},
      {Reason::kUnknownLabel, "car/it.jpg",
       [](spec::CollectionSpec& spec) { spec.objective.classes = {"bus"}; },
       Write("car/it.jpg", testing::MakeJpeg())},
      {Reason::kConsentMissing, "car/it.jpg", NeedsConsent,
       Write("car/it.jpg", testing::MakeJpeg())},
      {Reason::kConsentPurpose, "car/it.jpg", NeedsConsent,
       WithSidecar(ConsentJson(R"({"basis": "consent", "purposes": ["publish"]})"))},
      {Reason::kConsentExpired, "car/it.jpg", NeedsConsent,
       WithSidecar(ConsentJson(
           R"({"basis": "consent", "purposes": ["train"], "expires_at": "1969-07-20T20:17:00Z"})"))},
  };
}

std::vector<Case> PrivacyCases() {
  return {
      {Reason::kResidualFace, "car/it.jpg", Nothing, Write("car/it.jpg", Stubborn())},
      {Reason::kMostlyRedacted, "car/it.jpg", Nothing,
       Write("car/it.jpg", WithFaces({{40, 30, 200, 150}}))},
      {Reason::kUnredactable, "car/it.jpg", Nothing,
       [](PipelineDriver& driver) {
         driver.input.Write("car/it.jpg", testing::MakeJpeg());
         driver.after_validator = [](record::ImageRecord& record) {
           record.attachment.reset();
           record.payload = record::RawPayload{{SharedBytes("rotten"), "image/jpeg", {}}};
         };
       }},
  };
}

// The later of two pictures is said to be a better copy of the earlier one: what follows is the
// same whatever made the deduper say so.
void GiveWay(PipelineDriver& driver) {
  driver.input.Write("car/it.jpg", testing::MakeJpeg({.seed = 1}));
  driver.input.Write("car/later.jpg", testing::MakeJpeg({.seed = 2}));
  const auto earlier = std::make_shared<RecordId>();
  driver.after_deduper = [earlier](record::ImageRecord& record) {
    if (record.source.path == "car/it.jpg") *earlier = record.id;
    if (record.source.path != "car/later.jpg") return;
    record.duplicate->cluster = *earlier;
    record.duplicate->replaces = {*earlier};
  };
}

std::vector<Case> CollectionCases() {
  const auto quota = [](std::uint64_t reserve) {
    return [reserve](spec::CollectionSpec& spec) {
      spec.objective.target_counts = {{"car", 2}};
      spec.balance.reserve_images = reserve;
    };
  };
  return {
      {Reason::kExactDuplicate, "car/it.jpg", Nothing,
       [](PipelineDriver& driver) {
         driver.input.Write("car/earlier.jpg", testing::MakeJpeg());
         driver.input.Write("car/it.jpg", testing::MakeJpeg());
       }},
      {Reason::kNearDuplicate, "car/it.jpg", Nothing,
       [](PipelineDriver& driver) {
         driver.input.Write("car/earlier.jpg", testing::MakeJpeg());
         driver.input.Write("car/it.jpg", testing::MakeJpeg({.quality = 70}));
       }},
      {Reason::kSuperseded, "car/it.jpg", Nothing, GiveWay},
      {Reason::kOverTargetShare, "car/9.jpg",
       [](spec::CollectionSpec& spec) {
         spec.balance.warmup = 3;
         spec.balance.axes = {{"class", {{"car", 0.3}, {"bus", 0.7}}, 0.05}};
       },
       Many("car/", 10)},
      {Reason::kQuotaReached, "car/9.jpg", quota(100), Many("car/", 10)},
      {Reason::kReserveFull, "", quota(1), Many("car/", 10)},
  };
}

std::vector<Case> AllCases() {
  std::vector<Case> all;
  for (const auto& group :
       {FileCases(), QualityCases(), LabelAndConsentCases(), PrivacyCases(), CollectionCases()}) {
    all.insert(all.end(), group.begin(), group.end());
  }
  return all;
}

TEST(ReasonsTest, EveryReasonIsProducedBySomeInput) {
  std::set<Reason> produced;
  for (const Case& given : AllCases()) {
    SCOPED_TRACE(record::Name(given.reason));
    spec::CollectionSpec spec = LenientSpec();
    given.spec(spec);
    PipelineDriver driver(spec);
    given.input(driver);
    const auto result = driver.Run();
    ASSERT_TRUE(result) << result.error().message;
    EXPECT_TRUE(result->totals.Conserved(PipelineDriver::StageNames()));
    if (given.file.empty()) {  // any of them: which one depends on its quality
      for (const auto& [path, record] : driver.Records()) {
        produced.insert(record.history.back().reason);
      }
    } else {
      EXPECT_EQ(record::Name(driver.ReasonOf(given.file)), record::Name(given.reason));
      produced.insert(driver.ReasonOf(given.file));
    }
  }
  for (const Reason reason : record::kAllReasons) {
    EXPECT_TRUE(produced.count(reason)) << record::Name(reason) << " was never produced";
  }
}

}  // namespace
}  // namespace winnow::pipeline_test
