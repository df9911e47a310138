#include "libs/eval/labelled_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/eval/testing_folder.h"

namespace winnow::eval {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class LabelledSetTest : public ::testing::Test {
 protected:
  Result<std::vector<LabelledSet>> Read(const std::string& manifest) {
    data_.Write("cats/manifest.json", manifest);
    return ReadLabelledSet(data_.Path("cats"));
  }
  LabelledSet ReadOne(const std::string& manifest) {
    const auto sets = Read(manifest);
    EXPECT_TRUE(sets.has_value()) << sets.error().message;
    EXPECT_EQ(sets->size(), 1u);
    return sets->at(0);
  }

  TestFolder data_;
};

TEST_F(LabelledSetTest, TakesPicturesOfOneGroupForCopies) {
  const LabelledSet set = ReadOne(R"({"title": "Cats", "items": [
      {"file": "a.jpg", "group": 1}, {"file": "b.jpg", "group": "2"}, {"file": "c.jpg", "group": 1},
      {"file": "d.jpg"}]})");
  EXPECT_EQ(set.name, "cats");
  EXPECT_EQ(set.title, "Cats");
  ASSERT_EQ(set.pictures.size(), 3u) << "d is of no group: nobody knows";
  EXPECT_EQ(set.Between(0, 2), Relation::kCopies);
  EXPECT_EQ(set.Between(2, 1), Relation::kDifferent);
}

TEST_F(LabelledSetTest, KnowsWhatWasDoneByAnyOfItsNames) {
  const LabelledSet set = ReadOne(R"({"items": [
      {"file": "a", "group": 1, "transform": "crop", "strength": "5 %"},
      {"file": "b", "group": 1, "defect": "blur", "level": 3},
      {"file": "c", "group": 1, "role": "augmented"},
      {"file": "d", "group": 1, "offset": 10}]})");
  EXPECT_EQ(set.pictures[0].transform + " " + set.pictures[0].strength, "crop 5 %");
  EXPECT_EQ(set.pictures[1].transform + " " + set.pictures[1].strength, "blur 3");
  EXPECT_EQ(set.pictures[2].transform, "augmented");
  EXPECT_EQ(set.pictures[3].transform + " " + set.pictures[3].strength, "later frame +10");
}

TEST_F(LabelledSetTest, HasOneOriginalInEachGroup) {
  const LabelledSet set = ReadOne(R"({"items": [
      {"file": "a", "group": 1, "transform": "crop"},
      {"file": "b", "group": 1, "transform": "original"},
      {"file": "c", "group": 1, "transform": "original"},
      {"file": "d", "group": 2, "transform": "crop"}, {"file": "e", "group": 2},
      {"file": "f", "group": 3, "defect": "blur", "level": 2},
      {"file": "g", "group": 3, "defect": "blur", "level": 0}]})");
  std::string originals;
  for (const LabelledPicture& picture : set.pictures) {
    if (picture.original) originals += picture.file;
  }
  EXPECT_EQ(originals, "bdg");
}

TEST_F(LabelledSetTest, NeverAddsABlindPartToOneThatWasLookedAt) {
  const auto sets = Read(R"({"items": [
      {"file": "a", "group": 1, "split": "dev"}, {"file": "b", "group": 2, "split": "blind"},
      {"file": "c", "group": 1, "split": "dev"}, {"file": "d", "group": 2, "split": "blind"}]})");
  ASSERT_TRUE(sets.has_value());
  ASSERT_EQ(sets->size(), 2u);
  EXPECT_EQ(sets->at(0).name, "cats (blind)");
  EXPECT_EQ(sets->at(0).pictures.at(0).file, "b");
  EXPECT_EQ(sets->at(1).name, "cats (dev)");
  EXPECT_EQ(sets->at(1).pictures.size(), 2u);
}

TEST_F(LabelledSetTest, ReadsLabelledPairs) {
  const LabelledSet set = ReadOne(R"({"items": [{"file": "a"}, {"file": "b"}, {"file": "c"}],
      "pairs": [{"a": "b", "b": "a", "relation": "near_duplicate_edited"},
                {"a": "b", "b": "c", "relation": "hard_negative"}]})");
  EXPECT_EQ(set.Between(0, 1), Relation::kCopies);
  EXPECT_EQ(set.Between(1, 0), Relation::kCopies);
  EXPECT_EQ(set.Between(2, 1), Relation::kDifferent);
  EXPECT_EQ(set.Between(0, 2), Relation::kUnknown);
}

TEST_F(LabelledSetTest, IsNoneWhereNothingIsSaidOfCopies) {
  const auto sets = Read(R"({"items": [{"file": "a", "label": "cat"}]})");
  ASSERT_TRUE(sets.has_value());
  EXPECT_THAT(*sets, IsEmpty());
}

TEST_F(LabelledSetTest, NamesTheManifestThatIsBroken) {
  for (const char* manifest : {"", "[]", "{\"items\": {}}", "{\"items\": [{\"name\": \"a\"}]}",
                               "{\"items\": [{\"file\": 7}]}", "{\"items\": [",
                               R"({"items": [{"file": "a"}], "pairs": [{"a": "a", "b": "x"}]})"}) {
    const auto sets = Read(manifest);
    ASSERT_FALSE(sets.has_value()) << manifest;
    EXPECT_EQ(sets.error().code, ErrorCode::kConfig);
    EXPECT_THAT(sets.error().message, HasSubstr("cats/manifest.json"));
  }
}

TEST_F(LabelledSetTest, RefusesAFolderInPlaceOfTheManifest) {
  data_.Write("cats/manifest.json/file", "");
  const auto sets = ReadLabelledSet(data_.Path("cats"));
  ASSERT_FALSE(sets.has_value());
  EXPECT_THAT(sets.error().message, HasSubstr("cannot read"));
}

TEST_F(LabelledSetTest, ListsFoldersWithAManifest) {
  data_.Write("cats/manifest.json", "{}");
  data_.Write("apes/manifest.json", "{}");
  data_.Write("other/readme.txt", "");
  const auto names = ListSets(data_.path());
  ASSERT_TRUE(names.has_value());
  EXPECT_THAT(*names, ElementsAre("apes", "cats"));
  EXPECT_FALSE(ListSets(data_.Path("nowhere")));
}

TEST_F(LabelledSetTest, NamesAFolderThatCannotBeLookedInto) {
  std::filesystem::create_symlink("itself", data_.Path("itself"));
  const auto names = ListSets(data_.path());
  ASSERT_FALSE(names);
  EXPECT_EQ(names.error().code, ErrorCode::kConfig);
  EXPECT_THAT(names.error().message, HasSubstr("itself"));
}

}  // namespace
}  // namespace winnow::eval
