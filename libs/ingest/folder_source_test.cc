#include "libs/ingest/folder_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <set>

#include "libs/base/digest.h"
#include "libs/ingest/testing_folder.h"

namespace winnow::ingest {
namespace {

namespace fs = std::filesystem;
using record::Reason;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class FolderSourceTest : public testing::Test {
 protected:
  std::unique_ptr<FolderSource> Open() {
    options_.root = folder_.path();
    auto source = OpenFolder(options_);
    EXPECT_TRUE(source) << source.error().message;
    return source ? *std::move(source) : nullptr;
  }
  std::string OpenError() {
    options_.root = folder_.path();
    const auto source = OpenFolder(options_);
    if (source) return "";
    EXPECT_EQ(source.error().code, ErrorCode::kConfig);
    return source.error().message;
  }
  std::vector<record::ImageRecord> LoadAll() {
    const auto source = Open();
    std::vector<record::ImageRecord> records;
    while (const auto entry = *source->Next()) records.push_back(*source->Load(*entry));
    EXPECT_EQ(source->Count(), records.size());
    return records;
  }
  record::ImageRecord LoadOnly() {
    auto records = LoadAll();
    EXPECT_EQ(records.size(), 1u);
    return records.at(0);
  }
  std::vector<std::string> Names() {
    std::vector<std::string> names;
    for (const auto& record : LoadAll()) names.push_back(record.source.path);
    return names;
  }

  TestFolder folder_;
  FolderOptions options_{.collection = CollectionId("street")};
};

TEST_F(FolderSourceTest, ListsImagesInTheBytewiseOrderOfTheirPaths) {
  for (const char* name : {"b.jpg", "a/z.png", "a.jpg", "a/b/c.jpg", "B.jpg", "a-1.jpg",
                           "a0.jpg"}) {
    folder_.Write(name, BmpHeader(4, 4));
  }
  const std::vector<std::string> names = Names();
  EXPECT_THAT(names, ElementsAre("B.jpg", "a-1.jpg", "a.jpg", "a/b/c.jpg", "a/z.png", "a0.jpg",
                                 "b.jpg"));
  EXPECT_TRUE(std::is_sorted(names.begin(), names.end()));
}

TEST_F(FolderSourceTest, TakesFilesByExtensionOrByTheirFirstBytesAndCountsTheRest) {
  folder_.Write("broken.JPG", "not an image");
  folder_.Write("phone.heic", "refused later, but counted");
  folder_.Write("no_extension", "\xFF\xD8\xFF\xE0 jpeg");
  folder_.Write("upload.dat", BmpHeader(4, 4));
  folder_.Write("Thumbs.db", "\xD0\xCF\x11\xE0");
  folder_.Write("README.txt", "\xFF\xD8\xFF a text by its name");
  folder_.Write(".hidden.jpg", BmpHeader(4, 4));
  folder_.Write(".cache/x.jpg", BmpHeader(4, 4));
  ASSERT_EQ(mkfifo((folder_ / "pipe.jpg").c_str(), 0600), 0);
  EXPECT_THAT(Names(), ElementsAre("broken.JPG", "no_extension", "phone.heic", "upload.dat"));
  const auto source = Open();
  EXPECT_EQ(source->summary().images, 4u);
  EXPECT_EQ(source->summary().text_files, 1u);
  EXPECT_EQ(source->summary().ignored_files, 2u);
}

TEST_F(FolderSourceTest, ReadsBytesAndDerivesAStableId) {
  const std::string bytes = BmpHeader(4, 4);
  folder_.Write("a/x.bmp", bytes);
  const record::ImageRecord record = LoadOnly();
  const auto* content = record::ContentOf(record.payload);
  ASSERT_NE(content, nullptr);
  EXPECT_EQ(content->bytes.view(), bytes);
  EXPECT_EQ(content->sha256, Sha256(bytes));
  EXPECT_EQ(content->media_type, "");
  EXPECT_EQ(record.id, record::DeriveRecordId(SourceId("folder"), "a/x.bmp", Sha256(bytes)));
  EXPECT_EQ(record.collection, CollectionId("street"));
  EXPECT_EQ(record.source.kind, record::SourceKind::kFolder);
  EXPECT_EQ(record.captured_at, std::nullopt);
  EXPECT_EQ(record.source_fault, Reason::kNone);
}

TEST_F(FolderSourceTest, ChangesTheVersionWithSizeAndTime) {
  folder_.Write("x.jpg", "one");
  const std::string first = (*Open()->Next())->version;
  EXPECT_EQ((*Open()->Next())->version, first);
  fs::last_write_time(folder_ / "x.jpg", fs::file_time_type::clock::now() - std::chrono::hours(9));
  EXPECT_NE((*Open()->Next())->version, first);
}

TEST_F(FolderSourceTest, TellsWhyAFileCannotBeReadAndGoesOn) {
  options_.max_bytes = 100;
  folder_.Write("big.jpg", std::string(101, 'x'));
  folder_.Write("empty.jpg", "");
  folder_.Write("fits.jpg", std::string(100, 'x'));
  fs::create_symlink("nowhere.jpg", folder_ / "dangling.jpg");
  const auto records = LoadAll();
  ASSERT_EQ(records.size(), 4u);
  EXPECT_EQ(records[0].source_fault, Reason::kTooManyBytes);
  EXPECT_THAT(records[0].source_fault_detail, AllOf(HasSubstr("101"), HasSubstr("100")));
  EXPECT_EQ(records[1].source_fault, Reason::kUnreadable);
  EXPECT_THAT(records[1].source_fault_detail, HasSubstr("No such file"));
  EXPECT_EQ(records[2].source_fault, Reason::kEmptyFile);
  EXPECT_EQ(records[3].source_fault, Reason::kNone);
  std::set<RecordId> ids;
  for (const auto& record : records) ids.insert(record.id);
  EXPECT_EQ(ids.size(), 4u);
  EXPECT_EQ(record::ContentOf(records[0].payload), nullptr);
}

TEST_F(FolderSourceTest, TellsOfAFileThatMayNotBeRead) {
  if (geteuid() == 0) GTEST_SKIP() << "the superuser may read everything";
  folder_.Write("secret.jpg", "x");
  fs::permissions(folder_ / "secret.jpg", fs::perms::none);
  EXPECT_EQ(LoadOnly().source_fault, Reason::kUnreadable);
}

TEST_F(FolderSourceTest, FollowsLinksInsideTheFolderOnly) {
  const TestFolder elsewhere;
  elsewhere.Write("private.jpg", BmpHeader(4, 4));
  folder_.Write("real/x.jpg", BmpHeader(4, 4));
  fs::create_symlink("real/x.jpg", folder_ / "inside.jpg");
  fs::create_symlink(elsewhere / "private.jpg", folder_ / "outside.jpg");
  fs::create_directory_symlink("..", folder_ / "real/loop");
  fs::create_directory_symlink(elsewhere.path(), folder_ / "linked");
  fs::create_symlink("self.jpg", folder_ / "self.jpg");
  const auto records = LoadAll();
  ASSERT_EQ(records.size(), 4u);
  EXPECT_EQ(records[0].source.path, "inside.jpg");
  EXPECT_EQ(records[0].source_fault, Reason::kNone);
  EXPECT_EQ(records[1].source.path, "outside.jpg");
  EXPECT_EQ(records[1].source_fault, Reason::kUnreadable);
  EXPECT_THAT(records[1].source_fault_detail, HasSubstr("leads out"));
  EXPECT_EQ(records[2].source.path, "real/x.jpg");
  EXPECT_EQ(records[3].source_fault, Reason::kUnreadable);
  EXPECT_EQ(Open()->summary().linked_directories, 2u);
}

TEST_F(FolderSourceTest, KeepsNamesThatAreNotUtf8) {
  folder_.Write("caf\xE9\n.jpg", "");
  const record::ImageRecord record = LoadOnly();
  EXPECT_EQ(record.source.path, "caf\xE9\n.jpg");
}

TEST_F(FolderSourceTest, SaysWhatToDoAboutAMissingRoot) {
  options_.root = "/nonexistent/folder";
  const auto source = OpenFolder(options_);
  ASSERT_FALSE(source);
  EXPECT_EQ(source.error().code, ErrorCode::kConfig);
  EXPECT_THAT(source.error().message,
              AllOf(HasSubstr("/nonexistent/folder"), HasSubstr("give a directory")));
}

TEST_F(FolderSourceTest, ListsThousandsOfFilesInOrder) {
  for (int i = 0; i < 3000; ++i) {
    folder_.Write("d" + std::to_string(i % 7) + "/" + std::to_string(i) + ".jpg", "x");
  }
  const std::vector<std::string> names = Names();
  EXPECT_EQ(names.size(), 3000u);
  EXPECT_TRUE(std::is_sorted(names.begin(), names.end()));
}

TEST_F(FolderSourceTest, TagsWithTheParentDirectoryIfAsked) {
  folder_.Write("train/cat/x.jpg", "x");
  folder_.Write("y.jpg", "x");
  EXPECT_THAT(LoadAll().at(0).annotations, IsEmpty());
  options_.labels = FolderLabels::kParentDirectory;
  const auto records = LoadAll();
  ASSERT_EQ(records[0].annotations.size(), 1u);
  EXPECT_EQ(records[0].annotations[0].label, "cat");
  EXPECT_THAT(records[1].annotations, IsEmpty());
}

// ---- labels ----------------------------------------------------------------------------------

TEST_F(FolderSourceTest, ReadsTheJsonFileBesideAnImage) {
  folder_.Write("x.jpg", BmpHeader(100, 50));
  folder_.Write("x.json", R"({"captured_at": "2024-05-01T12:30:00+02:00", "site": "shop",
      "attributes": {"weather": "rain", "lanes": 3}, "tags": ["street"],
      "boxes": [{"label": "car", "bbox": [1, 2, 3.5, 4]}],
      "consent": {"basis": "consent", "purposes": ["train"], "expires_at": "2027-01-01"}})");
  const record::ImageRecord record = LoadOnly();
  EXPECT_EQ(record.source_fault, Reason::kNone) << record.source_fault_detail;
  EXPECT_EQ(record.captured_at->time_since_epoch(), std::chrono::seconds(1714559400));
  EXPECT_EQ(record.source.site, "shop");
  EXPECT_EQ(record.attributes.at("lanes"), "3");
  ASSERT_EQ(record.annotations.size(), 2u);
  EXPECT_EQ(record.annotations[0].label, "street");
  EXPECT_EQ(record.annotations[1].box, (record::Box{1, 2, 3.5, 4}));
  EXPECT_EQ(record.consent->purposes, std::vector<std::string>{"train"});
}

TEST_F(FolderSourceTest, KeepsTheFramesOfACameraInOrder) {
  for (const char* name : {"1.jpg", "2.jpg", "3.jpg", "4.jpg"}) folder_.Write(name, "x");
  folder_.Write("1.json", R"({"source": {"id": "gate-2", "kind": "camera"},
                              "captured_at": "2026-05-01T12:00:00Z"})");
  folder_.Write("2.jpg.json", R"({"\u0073ource": {"id": "gate-2", "kind": "camera"}})");
  folder_.Write("3.json", R"({"source": {"id": "till", "kind": "upload"}})");
  const auto source = Open();
  std::vector<std::string> keys;
  std::vector<record::ImageRecord> records;
  while (const auto entry = *source->Next()) {
    keys.push_back(entry->order_key);
    records.push_back(*source->Load(*entry));
  }
  EXPECT_THAT(keys, ElementsAre("gate-2", "gate-2", "", ""));
  ASSERT_EQ(records.size(), 4u);
  EXPECT_EQ(records[0].source.id, SourceId("gate-2"));
  EXPECT_TRUE(records[0].source.temporal());
  EXPECT_TRUE(records[0].captured_at);
  EXPECT_EQ(records[0].id, record::DeriveRecordId(options_.id, "1.jpg", Sha256("x")));
  EXPECT_EQ(records[2].source.id, SourceId("till"));
  EXPECT_EQ(records[2].source.kind, record::SourceKind::kUpload);
  EXPECT_EQ(records[3].source.id, options_.id);
  EXPECT_EQ(records[3].source.kind, record::SourceKind::kFolder);
}

TEST_F(FolderSourceTest, GivesAFrameWithABrokenLabelFileNoOrder) {
  folder_.Write("1.jpg", "x");
  folder_.Write("1.json", R"({"source": {"id": "gate-2", "kind": "drone"}})");
  const auto source = Open();
  EXPECT_EQ((*source->Next())->order_key, "");
}

TEST_F(FolderSourceTest, MakesABrokenLabelFileTheFaultOfItsImageAlone) {
  folder_.Write("x.jpg", BmpHeader(100, 50));
  folder_.Write("x.jpg.json", R"({"boxes": [)");
  folder_.Write("y.jpg", BmpHeader(100, 50));
  const auto records = LoadAll();
  EXPECT_EQ(records[0].source_fault, Reason::kAnnotationUnreadable);
  EXPECT_THAT(records[0].source_fault_detail, AllOf(HasSubstr("x.jpg.json"), HasSubstr("byte 12")));
  EXPECT_NE(record::ContentOf(records[0].payload), nullptr);
  EXPECT_EQ(records[1].source_fault, Reason::kNone);
}

TEST_F(FolderSourceTest, ReadsYoloLabelsFromTheParallelTree) {
  folder_.Write("train/images/x.jpg", BmpHeader(200, 100));
  folder_.Write("train/images/none.jpg", BmpHeader(200, 100));
  folder_.Write("train/labels/x.txt", "1 0.5 0.5 0.5 0.5\n");
  folder_.Write("data.yaml", "names: {0: cat, 1: dog}\n");
  const auto records = LoadAll();
  EXPECT_THAT(records[0].annotations, IsEmpty());
  ASSERT_EQ(records[1].annotations.size(), 1u) << records[1].source_fault_detail;
  EXPECT_EQ(records[1].annotations[0].label, "dog");
  EXPECT_EQ(records[1].annotations[0].box, (record::Box{50, 25, 100, 50}));
}

TEST_F(FolderSourceTest, TakesTextBesideImagesForLabelsOnlyWithAClassList) {
  folder_.Write("x.jpg", BmpHeader(200, 100));
  folder_.Write("x.txt", "a caption, not a label");
  EXPECT_EQ(LoadOnly().source_fault, Reason::kNone);
  folder_.Write("classes.txt", "cat\r\ndog\r\n\r\n");
  EXPECT_EQ(LoadOnly().source_fault, Reason::kAnnotationUnreadable);
  folder_.Write("x.txt", "1 0 0 0.5 0 0.5 1\n");
  const record::ImageRecord record = LoadOnly();
  EXPECT_EQ(record.annotations.at(0).label, "dog");
  EXPECT_EQ(record.annotations.at(0).polygons->rings,
            (std::vector<std::vector<record::Point>>{{{0, 0}, {100, 0}, {100, 100}}}));
}

constexpr std::string_view kCoco = R"({"annotations": [
  {"id": 5, "image_id": 2, "category_id": 7, "bbox": [1, 2, 3, 4], "iscrowd": 1,
   "segmentation": {"size": [2, 3], "counts": [1, 5]}},
  {"id": 6, "image_id": 1, "category_id": 7, "bbox": [0, 0, 9, 9], "segmentation": [[0,0,1,0,1,1]]},
  {"id": 7, "image_id": 99, "category_id": 7}],
  "info": {"nested": [{"annotations": []}]},
  "images": [{"id": 1, "file_name": "a/x.jpg", "width": 3, "height": 2},
             {"id": 2, "file_name": "elsewhere/y.jpg"}],
  "categories": [{"id": 7, "name": "car"}]})";

TEST_F(FolderSourceTest, FindsCocoLabelsByPathElseByAUniqueName) {
  folder_.Write("a/x.jpg", BmpHeader(3, 2));
  folder_.Write("b/x.jpg", BmpHeader(3, 2));
  folder_.Write("b/y.jpg", BmpHeader(3, 2));
  folder_.Write("annotations.json", kCoco);
  const auto records = LoadAll();
  ASSERT_EQ(records[0].annotations.size(), 1u) << records[0].source_fault_detail;
  EXPECT_EQ(records[0].annotations[0].polygons->rings.at(0).size(), 3u);
  EXPECT_THAT(records[1].annotations, IsEmpty());
  ASSERT_EQ(records[2].annotations.size(), 1u) << records[2].source_fault_detail;
  const record::Annotation& crowd = records[2].annotations[0];
  EXPECT_EQ(crowd.label, "car");
  EXPECT_EQ(crowd.mask, (record::MaskRle{3, 2, {1, 5}}));
  EXPECT_EQ(crowd.attributes.at("iscrowd"), "1");
  EXPECT_EQ(Open()->summary().coco_files, 1u);
  EXPECT_EQ(Open()->summary().orphan_annotations, 1u);
  // A second y.jpg makes the name ambiguous: no labels rather than wrong ones.
  folder_.Write("c/y.jpg", BmpHeader(3, 2));
  EXPECT_THAT(LoadAll().at(2).annotations, IsEmpty());
}

TEST_F(FolderSourceTest, MergesTheSameObjectFromTwoCocoFiles) {
  folder_.Write("a/x.jpg", BmpHeader(3, 2));
  folder_.Write("annotations/instances.json", kCoco);
  folder_.Write("annotations/keypoints.json", R"({"images": [{"id": 1, "file_name": "a/x.jpg"}],
      "categories": [{"id": 1, "name": "car"}], "annotations": [{"id": 6, "image_id": 1,
      "category_id": 1, "bbox": [0, 0, 9, 9], "keypoints": [1, 1, 2]}]})");
  const record::ImageRecord record = LoadOnly();
  ASSERT_EQ(record.annotations.size(), 1u);
  EXPECT_TRUE(record.annotations[0].polygons.has_value());
  EXPECT_EQ(record.annotations[0].keypoints.size(), 1u);
}

TEST_F(FolderSourceTest, RefusesToStartOnABrokenCocoFileAndNamesTheByte) {
  folder_.Write("a/x.jpg", BmpHeader(3, 2));
  folder_.Write("instances.json", kCoco.substr(0, 300));
  EXPECT_THAT(OpenError(), AllOf(HasSubstr("instances.json"), HasSubstr("byte 301")));
  folder_.Write("instances.json", R"({"images": [{"file_name": "x"}]})");
  EXPECT_THAT(OpenError(), HasSubstr("whole number"));
  folder_.Write("instances.json", std::string(100'000, '['));
  EXPECT_EQ(OpenError(), "");  // JSON, but no COCO
  folder_.Write("instances.json", R"({"a":)" + std::string(100'000, '['));
  EXPECT_THAT(OpenError(), HasSubstr("nested"));
}

TEST_F(FolderSourceTest, BlamesABrokenCocoAnnotationOnItsImage) {
  folder_.Write("x.jpg", BmpHeader(3, 2));
  folder_.Write("labels.json", R"({"images": [{"id": 1, "file_name": "x.jpg"}], "categories": [],
      "annotations": [{"image_id": 1, "category_id": 3, "bbox": [1]}]})");
  EXPECT_EQ(LoadOnly().source_fault, Reason::kAnnotationUnreadable);
}

TEST_F(FolderSourceTest, PassesOverJsonThatIsNotCoco) {
  folder_.Write("x.jpg", BmpHeader(3, 2));
  folder_.Write("manifest.json", R"({"items": [{"id": "x"}], "images": 3})");
  folder_.Write("list.json", "[1, 2]");
  EXPECT_EQ(LoadOnly().source_fault, Reason::kNone);
  EXPECT_EQ(Open()->summary().coco_files, 0u);
}

// ---- real data sets ----------------------------------------------------------------------------

std::uint64_t CountAnnotations(const std::string& set) {
  const auto source =
      OpenFolder({.root = std::string(std::getenv("WINNOW_SHARED_DATA")) + "/" + set});
  EXPECT_TRUE(source) << source.error().message;
  std::uint64_t annotations = 0;
  while (const auto entry = *(*source)->Next()) {
    const auto record = (*source)->Load(*entry);
    EXPECT_EQ(record->source_fault, Reason::kNone) << record->source_fault_detail;
    annotations += record->annotations.size();
  }
  return annotations;
}

TEST(FolderSourceRealDataTest, LoadsTheExpectedNumberOfAnnotations) {
  const char* root = std::getenv("WINNOW_SHARED_DATA");
  if (root == nullptr || *root == '\0') GTEST_SKIP() << "WINNOW_SHARED_DATA is not set";
  EXPECT_EQ(CountAnnotations("G-coco-mini-yolo"), 13u);
  EXPECT_EQ(CountAnnotations("G-mediapipe-detector"), 57u);
  EXPECT_EQ(CountAnnotations("G-mmpose-tests/coco"), 14u);
}

}  // namespace
}  // namespace winnow::ingest
