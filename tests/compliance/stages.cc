#include "tests/compliance/stages.h"

#include <utility>

#include "libs/base/check.h"
#include "libs/testing/images.h"
#include "services/balancer/balancer.h"
#include "services/deduper/deduper.h"
#include "services/privacy-blurrer/blurrer.h"
#include "services/sink/sink.h"
#include "services/validator/validator.h"

namespace winnow::compliance {
namespace {

using record::ImageRecord;

class FixedDetector : public detect::Detector {
 public:
  explicit FixedDetector(std::vector<detect::Detection> faces) : faces_(std::move(faces)) {}

  Result<std::vector<detect::Detection>> Detect(const image::Pixels&, double threshold) override {
    std::vector<detect::Detection> found;
    for (const detect::Detection& face : faces_) {
      if (face.score >= threshold) found.push_back(face);
    }
    return found;
  }
  std::string_view kind() const override { return "face"; }
  const std::string& model_name() const override { return name_; }
  const std::string& model_digest() const override { return digest_; }

 private:
  const std::vector<detect::Detection> faces_;
  const std::string name_ = "fixed";
  const std::string digest_ = "digest of the model";
};

std::unique_ptr<stream::Processor> MakeBlurrer(const spec::CollectionSpec& spec,
                                               std::vector<detect::Detection> faces) {
  return std::make_unique<privacy::Blurrer>(spec,
                                            std::make_unique<FixedDetector>(std::move(faces)));
}

ImageRecord Offered(const std::string& path, std::string bytes, const std::string& label) {
  ImageRecord image;
  record::RawPayload payload;
  payload.content.sha256 = Sha256(bytes);
  payload.content.bytes = SharedBytes(std::move(bytes));
  image.collection = CollectionId("compliance");
  image.source.id = SourceId("generated");
  image.source.path = path;
  image.id = record::DeriveRecordId(image.source.id, path, payload.content.sha256);
  image.payload = std::move(payload);
  image.attributes = {{"class", label}, {"weather", "rain"}};
  image.captured_at = Timestamp(std::chrono::hours(470'000));
  image.consent.emplace();
  image.consent->basis = "contract";
  return image;
}

std::vector<ImageRecord> OfferedToThePipeline() {
  std::vector<ImageRecord> images;
  const auto offer = [&](const std::string& bytes, const std::string& label) {
    images.push_back(Offered(std::to_string(images.size()) + ".jpg", bytes, label));
  };
  for (std::uint32_t seed = 1; seed <= 12; ++seed) {
    testing::MakeImageOptions options;
    options.seed = seed;
    options.private_metadata = seed % 3 == 0;
    const std::string bytes = MakeJpeg(options);
    offer(bytes, seed <= 8 ? "common" : "rare");
    if (seed % 4 == 1) offer(bytes, "common");
    if (seed % 4 == 2) {
      options.quality = 70;
      offer(MakeJpeg(options), "common");
    }
    if (seed % 4 == 3) offer(bytes.substr(0, bytes.size() / 2), "common");
    if (seed == 4) offer("", "common");
    options.brightness = 0.05;
    if (seed == 8) offer(MakeJpeg(options), "rare");
  }
  return images;
}

std::vector<ImageRecord> Through(testing::StageDriver driver, std::vector<ImageRecord> arrivals) {
  WINNOW_CHECK(driver.opened.has_value());
  std::vector<ImageRecord> forwarded;
  for (ImageRecord& record : arrivals) {
    Result<stream::Outcome> outcome = driver.Process(std::move(record));
    WINNOW_CHECK(outcome.has_value());
    if (outcome->disposition == record::Disposition::kForwarded) {
      forwarded.push_back(std::move(outcome->record));
    }
    for (stream::Settlement& settled : outcome->settled) {
      if (settled.disposition == record::Disposition::kForwarded) {
        forwarded.push_back(std::move(settled.record));
      }
    }
  }
  return forwarded;
}

}  // namespace

std::string_view Name(Stage stage) {
  switch (stage) {
    case Stage::kValidator: return "validator";
    case Stage::kBlurrer: return "privacy-blurrer";
    case Stage::kDeduper: return "deduper";
    case Stage::kBalancer: return "balancer";
    case Stage::kSink: return "sink";
  }
  return "unknown";
}

void PrintTo(Stage stage, std::ostream* out) { *out << Name(stage); }

spec::CollectionSpec Spec() {
  spec::CollectionSpec spec;
  spec.collection = CollectionId("compliance");
  spec.digest = "digest of the spec";
  spec.balance.axes = {{"class", {{"common", 0.5}, {"rare", 0.5}}, 0}};
  spec.balance.warmup = 1;
  spec.balance.reserve_images = 5;
  spec.output.splits = {{"test", 0.3}, {"train", 0.7}};
  return spec;
}

std::unique_ptr<stream::Processor> Make(Stage stage, const spec::CollectionSpec& spec) {
  switch (stage) {
    case Stage::kValidator: return validator::NewValidator(spec);
    case Stage::kBlurrer: return MakeBlurrer(spec, {});
    case Stage::kDeduper: return deduper::NewDeduper(spec);
    case Stage::kBalancer: return balancer::NewBalancer(spec);
    case Stage::kSink: return sink::NewSink(spec);
  }
  return nullptr;
}

std::unique_ptr<stream::Processor> MakeDistrustfulBlurrer(const spec::CollectionSpec& spec) {
  return MakeBlurrer(spec, {{{100, 80, 40, 50}, 0.95}});
}

testing::StageDriver Driver(Stage stage) {
  return testing::StageDriver([stage] { return Make(stage, Spec()); });
}

std::vector<record::ImageRecord> Arrivals(Stage stage) {
  // Decoded once: the stages before are deterministic, which is tested for each of them.
  static const auto* const kArrivals = [] {
    auto* all = new std::vector<std::vector<ImageRecord>>();
    all->push_back(OfferedToThePipeline());
    for (const Stage before : kAllStages) {
      if (before != Stage::kSink) all->push_back(Through(Driver(before), all->back()));
    }
    return all;
  }();
  return kArrivals->at(static_cast<std::size_t>(stage));
}

}  // namespace winnow::compliance
