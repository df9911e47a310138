#include "tests/bench/safe_records.h"

#include <fmt/format.h>

#include <cstring>
#include <string>

#include "libs/base/clock.h"
#include "libs/testing/safe_payload.h"
#include "tests/bench/stage_loop.h"

namespace winnow::bench {
namespace {

constexpr std::uint64_t kPeriod = 20;
constexpr std::uint64_t kCopyAt = 7;
constexpr std::uint64_t kLookAlikeAt = 13;
constexpr int kLookAlikeBits = 12;

// SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014).
std::uint64_t Mixed(std::uint64_t number) {
  number += 0x9e37'79b9'7f4a'7c15;
  number = (number ^ (number >> 30)) * 0xbf58'476d'1ce4'e5b9;
  number = (number ^ (number >> 27)) * 0x94d0'49bb'1331'11eb;
  return number ^ (number >> 31);
}

double Share(std::uint64_t number, std::uint64_t of_what) {
  return static_cast<double>(Mixed(number * 64 + of_what) >> 11) * 0x1p-53;
}

// An earlier record that is neither a copy nor a look-alike itself: each period begins with one.
std::uint64_t EarlierOriginal(std::uint64_t number) {
  return Mixed(number) % (number / kPeriod + 1) * kPeriod;
}

record::FingerprintBits FingerprintOf(std::uint64_t number) {
  if (number % kPeriod == kCopyAt) return RandomBits(EarlierOriginal(number));
  if (number % kPeriod != kLookAlikeAt) return RandomBits(number);
  record::FingerprintBits bits = RandomBits(EarlierOriginal(number));
  for (int i = 0; i < kLookAlikeBits; ++i) {
    const std::uint64_t at = (Mixed(number) + 21 * static_cast<std::uint64_t>(i)) % 256;
    bits[at / 64] ^= 1ull << (at % 64);
  }
  return bits;
}

Sha256Digest DigestOf(std::uint64_t number) {
  const std::uint64_t original =
      number % kPeriod == kCopyAt ? EarlierOriginal(number) : number;
  Sha256Digest digest{};
  const record::FingerprintBits words = RandomBits(original + (1ull << 40));
  std::memcpy(digest.data(), words.data(), digest.size());
  return digest;
}

record::Annotation Car(std::uint64_t number, std::uint64_t which) {
  const double x = 1200 * Share(number, which);
  const double y = 600 * Share(number, which + 8);
  record::Annotation car;
  car.label = which == 0 ? "bus" : "car";
  car.box = record::Box{x, y, 220, 130};
  car.attributes = {{"occluded", "false"}};
  return car;
}

record::Measurements MeasurementsOf(std::uint64_t number) {
  record::Measurements measured;
  measured.format = record::ImageFormat::kJpeg;
  measured.width = 1920;
  measured.height = 1080;
  measured.sharpness = Share(number, 20);
  measured.brightness_p5 = 0.1 * Share(number, 21);
  measured.brightness_p99 = 0.9 + 0.1 * Share(number, 22);
  measured.brightness_mean = Share(number, 23);
  measured.contrast = Share(number, 24);
  measured.noise_sigma = 4 * Share(number, 25);
  measured.entropy_bits = 7 + Share(number, 26);
  measured.blockiness = Share(number, 27);
  measured.lighting = record::Lighting::kNormal;
  return measured;
}

record::StageVerdict Validated(const record::Measurements& measured, Timestamp time) {
  record::StageVerdict verdict;
  verdict.stage = "validator";
  verdict.scores = {{"shorter_side", 1080},
                    {"aspect_ratio", 1.78},
                    {"brightness_p99", measured.brightness_p99},
                    {"brightness_p5", measured.brightness_p5},
                    {"entropy_bits", measured.entropy_bits},
                    {"sharpness", measured.sharpness},
                    {"noise_sigma", measured.noise_sigma},
                    {"blockiness", measured.blockiness}};
  verdict.thresholds = {{"min_side", 224},       {"max_aspect_ratio", 4}, {"min_brightness", 0.15},
                        {"max_brightness", 0.9}, {"min_entropy", 3},      {"min_sharpness", 0.1},
                        {"max_noise", 25},       {"max_blockiness", 1.5}};
  verdict.spec_digest = std::string(64, 'a');
  verdict.time = time;
  return verdict;
}

record::StageVerdict Blurred(Timestamp time) {
  record::StageVerdict verdict;
  verdict.stage = "privacy-blurrer";
  verdict.scores = {{"faces", 1}, {"face", 0.91}, {"residual", 0.08}, {"redacted_ratio", 0.004}};
  verdict.thresholds = {{"face", 0.2}, {"residual", 0.6}, {"redacted_ratio", 0.5}};
  verdict.spec_digest = std::string(64, 'a');
  verdict.model_digest = std::string(64, 'b');
  verdict.time = time;
  return verdict;
}

}  // namespace

record::FingerprintBits RandomBits(std::uint64_t number) {
  record::FingerprintBits bits{};
  for (std::uint64_t i = 0; i < bits.size(); ++i) bits[i] = Mixed(number * 4 + i);
  return bits;
}

record::ImageRecord SafeRecord(std::uint64_t number) {
  record::ImageRecord record;
  record.id = RecordId(fmt::format("{:016x}{:016x}", Mixed(number), number));
  record.collection = CollectionId(std::string(kCollection));
  record.source = {.id = SourceId(fmt::format("gate-{}", number % 8)),
                   .kind = record::SourceKind::kCamera,
                   .site = "crossing-north",
                   .path = fmt::format("2026-03-01/{:08}.jpg", number),
                   .unknown_fields = {}};
  // Now: a broker deletes at once what is older than the topic keeps.
  record.ingested_at = SystemClock().Now();
  record.captured_at = record.ingested_at - std::chrono::milliseconds(250);
  record.payload = record::SafePayloadForTesting::Make(
      {.bytes = {}, .media_type = "image/jpeg", .sha256 = DigestOf(number), .left_out = 350'000,
       .in_store = true});
  record.attributes = {{"weather", "rain"}, {"angle", "front"}, {"exposure", "auto"}};
  for (std::uint64_t car = 0; car < 4; ++car) record.annotations.push_back(Car(number, car));
  record.consent = record::Consent{.basis = "legitimate_interest",
                                   .subjects = {},
                                   .purposes = {"train", "evaluate"},
                                   .jurisdiction = "EU",
                                   .expires_at = std::nullopt,
                                   .unknown_fields = {}};
  record.measurements = MeasurementsOf(number);
  record.fingerprint = record::Fingerprint{FingerprintOf(number), 90};
  record.redaction = record::Redaction{
      .regions = {{.box = {640, 320, 48, 60}, .kind = "face", .score = 0.91, .unknown_fields = {}}},
      .area_ratio = 0.004,
      .residual_score = 0.08,
      .pixels_untouched = false,
      .stripped = {"gps", "thumbnail"},
      .unknown_fields = {}};
  record.history = {Validated(*record.measurements, record.ingested_at),
                    Blurred(record.ingested_at)};
  return record;
}

}  // namespace winnow::bench
