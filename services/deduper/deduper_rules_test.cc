// The deduper against its rule, written as a linear scan.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <utility>
#include <vector>

#include "libs/record/quality_rank.h"
#include "services/deduper/deduper_testing.h"
#include "services/deduper/hamming_index.h"

namespace winnow::deduper {
namespace {

using record::ImageRecord;
using stream::Outcome;

struct Rules {
  spec::DedupPolicy policy;
  struct Entry {
    std::string id, content, source, cluster;
    Bits bits;
    double taken;
    std::uint32_t rank;
  };
  std::vector<Entry> kept;

  // What the deduper says, as "reason of cluster replaced...".
  std::string Offer(const Entry& image) {
    std::vector<std::pair<int, std::size_t>> copies;
    std::optional<std::pair<int, std::size_t>> nearest;
    for (std::size_t i = 0; i < kept.size(); ++i) {
      const Entry& entry = kept[i];
      const bool meets = (policy.scope == spec::DedupScope::kCollection ||
                          entry.source == image.source) &&
                         (policy.window_seconds == 0 ||
                          std::abs(entry.taken - image.taken) <= policy.window_seconds);
      if (!meets) continue;
      if (entry.content == image.content) {
        return "exact_duplicate " + entry.id + " " + entry.cluster;
      }
      const int distance = HammingDistance(entry.bits, image.bits);
      if (distance <= static_cast<int>(policy.max_distance)) copies.emplace_back(distance, i);
      if (distance <= 31 && (!nearest || distance < nearest->first)) nearest = {distance, i};
    }
    std::sort(copies.begin(), copies.end());
    Entry added = image;
    added.cluster = nearest ? kept[nearest->second].cluster : image.id;
    std::string replaced;
    if (!copies.empty()) {
      const Entry& first = kept[copies.front().second];
      bool better = policy.keep == spec::Keep::kBest;
      for (const auto& [distance, i] : copies) {
        better = better && kept[i].cluster == first.cluster &&
                 image.rank > (1 + policy.better_by) * kept[i].rank;
      }
      if (!better) return "near_duplicate " + first.id + " " + first.cluster;
      std::set<std::size_t> gone;
      for (const auto& [distance, i] : copies) {
        replaced += " " + kept[i].id;
        gone.insert(i);
      }
      for (auto i = gone.rbegin(); i != gone.rend(); ++i) {
        kept.erase(kept.begin() + static_cast<std::ptrdiff_t>(*i));
      }
    }
    kept.push_back(added);
    return "none  " + added.cluster + replaced;
  }
};

std::string Said(const Outcome& outcome) {
  const record::Duplicate& duplicate = *outcome.record.duplicate;
  std::string said(Name(outcome.reason));
  said += " " + duplicate.of.value() + " " + duplicate.cluster.value();
  for (const RecordId& id : duplicate.replaces) said += " " + id.value();
  return said;
}

class DeduperRulesTest : public ::testing::TestWithParam<int> {};

TEST_P(DeduperRulesTest, AgreesWithALinearScanHoweverOftenItIsReopened) {
  std::mt19937_64 random(static_cast<std::uint64_t>(GetParam()));
  auto spec = Spec(GetParam() % 2 == 0 ? 31 : 12);
  if (GetParam() & 2) spec.dedup.keep = spec::Keep::kBest;
  if (GetParam() & 4) spec.dedup.scope = spec::DedupScope::kSource;
  if (GetParam() & 8) spec.dedup.window_seconds = 300;
  auto driver = Driver(spec);
  Rules rules{spec.dedup, {}};
  std::vector<Bits> scenes(40);
  for (Bits& scene : scenes) scene = {random(), random(), random(), random()};
  std::map<std::string, int> told;
  for (int i = 0; i < 1500; ++i) {
    Rules::Entry entry = {"image " + std::to_string(i), std::to_string(random() % 4000),
                          "source " + std::to_string(random() % 3), "",
                          scenes[random() % scenes.size()], static_cast<double>(i), 0};
    for (std::uint64_t flips = random() % 24; flips > 0; --flips) {
      entry.bits[random() % 4] ^= 1ull << (random() % 64);
    }
    ImageRecord image = Sharp(static_cast<double>(random() % 1000) / 1000,
                              From(entry.source, Image(entry.id, entry.content, entry.bits)));
    image.captured_at = At(entry.taken);
    image.ingested_at = At(i);
    entry.rank = record::QualityRank(image);
    const Outcome outcome = driver.Process(image).value();
    ASSERT_EQ(Said(outcome), rules.Offer(entry)) << i;
    ++told[std::string(Name(outcome.reason))];
    if (!outcome.record.duplicate->replaces.empty()) ++told["replaced"];
    if (random() % 50 == 0) driver.Reopen();
  }
  EXPECT_GT(told["near_duplicate"], 150);
  EXPECT_GT(told["none"], 50);
  EXPECT_EQ(told["replaced"] > 10, spec.dedup.keep == spec::Keep::kBest);
}

INSTANTIATE_TEST_SUITE_P(Policies, DeduperRulesTest, ::testing::Range(0, 16));

}  // namespace
}  // namespace winnow::deduper
