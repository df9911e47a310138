// Words that two rooms must agree on although neither may include the other.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "libs/record/image_record.h"
#include "libs/spec/schema.h"

namespace winnow {
namespace {

// All names of an enum that counts up from kUnknown = 0 and calls what lies beyond it "unknown".
template <class Enum>
std::vector<std::string> AllNames() {
  std::vector<std::string> names = {std::string(record::Name(Enum::kUnknown))};
  for (int i = 1;; ++i) {
    const std::string name(record::Name(static_cast<Enum>(i)));
    if (name == names.front()) return names;
    names.push_back(name);
  }
}

TEST(VocabularyTest, SpecsNameLightingAsRecordsDo) {
  EXPECT_THAT(spec::LightingNames(),
              testing::UnorderedElementsAreArray(AllNames<record::Lighting>()));
}

TEST(VocabularyTest, SpecsNameFormatsAsRecordsDo) {
  EXPECT_THAT(spec::FormatNames(),
              testing::UnorderedElementsAreArray(AllNames<record::ImageFormat>()));
}

}  // namespace
}  // namespace winnow
