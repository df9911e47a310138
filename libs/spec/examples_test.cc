// The specs that newcomers copy.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "libs/spec/spec.h"

namespace winnow::spec {
namespace {

std::vector<std::string> Examples() {
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::directory_iterator(WINNOW_EXAMPLES)) {
    if (entry.path().extension() == ".yaml") paths.push_back(entry.path().filename());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

CollectionSpec LoadExample(const std::string& name) {
  const auto spec = Load(std::string(WINNOW_EXAMPLES) + "/" + name);
  EXPECT_TRUE(spec.has_value()) << spec.error().message;
  return spec.value_or(CollectionSpec{});
}

TEST(ExamplesTest, EachChecksCleanAndSurvivesDescribe) {
  ASSERT_GE(Examples().size(), 2u);
  for (const std::string& name : Examples()) {
    const CollectionSpec spec = LoadExample(name);
    EXPECT_EQ(Parse(Describe(spec)).spec.digest, spec.digest) << name;
  }
}

TEST(ExamplesTest, StreetFleetAsksForConsentLightingAndThreeSplits) {
  const CollectionSpec spec = LoadExample("street-fleet.yaml");
  EXPECT_EQ(spec.validate.required_consent_purpose, "train");
  ASSERT_FALSE(spec.balance.axes.empty());
  EXPECT_EQ(spec.balance.axes[0].name, "lighting");
  EXPECT_EQ(spec.output.splits.size(), 3u);
  EXPECT_EQ(spec.dedup.scope, DedupScope::kSource);
  EXPECT_EQ(spec.dedup.keep, Keep::kBestOfBurst);
}

TEST(ExamplesTest, RetailShelfTakesClassesFromDirectories) {
  const CollectionSpec spec = LoadExample("retail-shelf.yaml");
  EXPECT_EQ(spec.ingest.label_from, LabelFrom::kParentDirectory);
  EXPECT_TRUE(spec.privacy.faces);
  EXPECT_EQ(spec.dedup.keep, Keep::kBest);
  EXPECT_TRUE(spec.dedup.mirrored);
}

}  // namespace
}  // namespace winnow::spec
