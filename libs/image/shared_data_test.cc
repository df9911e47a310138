// Real files with known defects and real cameras' metadata. Skipped without WINNOW_SHARED_DATA.
#include <gtest/gtest.h>
#include <libexif/exif-data.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "libs/image/decode.h"
#include "libs/image/redact.h"

namespace winnow::image {
namespace {

using nlohmann::json;
using record::ImageFormat;
using record::Reason;

struct Item {
  std::string set;
  json truth;
  std::string bytes;

  std::string name() const { return set + "/" + truth.at("file").get<std::string>(); }
  std::string text(const char* key) const { return truth.value(key, ""); }
};

std::string ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<Item> ItemsOf(const std::string& folder, const std::string& set) {
  std::vector<Item> items;
  std::ifstream manifest(folder + "/" + set + "/manifest.json");
  json document = json::parse(manifest);
  for (json& truth : document.at("items")) {
    std::string path = folder + "/" + set + "/" + truth.at("file").get<std::string>();
    items.push_back({set, std::move(truth), ReadFile(path)});
  }
  return items;
}

class SharedDataTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const char* folder = std::getenv("WINNOW_SHARED_DATA");
    if (folder == nullptr || *folder == '\0') GTEST_SKIP() << "WINNOW_SHARED_DATA is not set";
    folder_ = folder;
  }
  std::vector<Item> Items(const std::string& set) const { return ItemsOf(folder_, set); }

 private:
  std::string folder_;
};

using Outcomes = std::map<std::string, std::map<std::string, int>>;

void Print(const Outcomes& outcomes) {
  for (const auto& [truth, counts] : outcomes) {
    std::string line = truth + ":";
    for (const auto& [outcome, count] : counts) line += " " + outcome + " " + std::to_string(count);
    std::printf("%s\n", line.c_str());
  }
}

const std::map<std::string, Reason> kWanted = {{"truncated_fraction", Reason::kTruncated},
                                               {"empty_file", Reason::kEmptyFile},
                                               {"not_an_image", Reason::kUnsupportedFormat}};

TEST_F(SharedDataTest, DefectsMadeOnPurposeAreAllFoundAndIntactFilesAllPass) {
  Outcomes outcomes;
  for (const Item& item : Items("D-degraded-graded")) {
    const std::string defect = item.text("defect");
    const Reason fault = Decode(item.bytes, {}).fault;
    ++outcomes[defect][std::string(record::Name(fault))];
    if (const auto wanted = kWanted.find(defect); wanted != kWanted.end()) {
      EXPECT_EQ(fault, wanted->second) << item.name();
    } else if (defect == "zeroed_from_fraction" || defect == "bitflips") {
      EXPECT_NE(fault, Reason::kNone) << item.name();
    } else {
      EXPECT_EQ(fault, Reason::kNone) << item.name();
    }
  }
  Print(outcomes);
  EXPECT_GE(outcomes.size(), 10u);
}

// "valid" means that Pillow and OpenCV both read it without a warning. Formats that Winnow does not
// take are unsupported whatever their state; of the rest, files that lack their end marker, a few
// BMP dialects and nothing else may be refused.
TEST_F(SharedDataTest, OddFilesHaveOneOutcomeEachAndBrokenOnesDoNotPass) {
  Outcomes outcomes;
  int valid = 0;
  int valid_refused = 0;
  int invalid = 0;
  int invalid_passed = 0;
  for (const char* set : {"D-corrupt-fuzz", "D-corrupt-libjpeg-turbo", "D-odd-pillow",
                          "D-exif-samples", "D-metadata-extractor"}) {
    for (const Item& item : Items(set)) {
      const Decoded decoded = Decode(item.bytes, {});
      ASSERT_EQ(decoded.frame == nullptr, decoded.fault != Reason::kNone) << item.name();
      const std::string truth = item.text("class");
      ++outcomes[truth][std::string(record::Name(decoded.fault))];
      const bool known = SniffFormat(item.bytes) != ImageFormat::kUnknown;
      valid += truth == "valid" && known;
      valid_refused += truth == "valid" && known && decoded.frame == nullptr;
      invalid += truth == "invalid";
      invalid_passed += truth == "invalid" && decoded.frame != nullptr;
    }
  }
  Print(outcomes);
  EXPECT_GT(valid, 300);
  EXPECT_LE(valid_refused, 8);
  EXPECT_GT(invalid, 200);
  EXPECT_LE(invalid_passed, 3);
}

// Every tag libexif finds behind any EXIF header in the file.
std::set<int> ExifTagsAnywhere(const std::string& bytes) {
  std::set<int> tags;
  const std::string header("Exif\0\0", 6);
  for (std::size_t at = bytes.find(header); at != bytes.npos; at = bytes.find(header, at + 1)) {
    ExifData* data = exif_data_new();
    exif_data_unset_option(data, EXIF_DATA_OPTION_FOLLOW_SPECIFICATION);  // it would add tags
    const std::size_t size = std::min<std::size_t>(bytes.size() - at, 65536);
    exif_data_load_data(data, reinterpret_cast<const unsigned char*>(bytes.data()) + at,
                        static_cast<unsigned>(size));
    if (data->data != nullptr) tags.insert(-1);  // a thumbnail
    for (const ExifContent* content : data->ifd) {
      for (unsigned i = 0; i < content->count; ++i) tags.insert(content->entries[i]->tag);
    }
    exif_data_unref(data);
  }
  return tags;
}

void ExpectClean(const Item& item, const Frame& frame, const std::string& bytes) {
  const std::set<int> tags = ExifTagsAnywhere(bytes);
  const bool turned = frame.orientation != 1;
  EXPECT_LE(tags.size(), turned ? 1u : 0u) << item.name();
  EXPECT_TRUE(tags.empty() || *tags.begin() == EXIF_TAG_ORIENTATION) << item.name();
  EXPECT_EQ(bytes.find("\xff\xd8\xff", 1), std::string::npos) << item.name() << ": a second JPEG";
  for (const char* sign : {"http://ns.adobe.com/xap", "Photoshop 3.0", "GPSLat", "MPF"}) {
    EXPECT_EQ(bytes.find(std::string(sign) + '\0'), std::string::npos) << item.name() << sign;
  }
}

bool Has(const std::vector<std::string>& kinds, const char* kind) {
  return std::find(kinds.begin(), kinds.end(), kind) != kinds.end();
}

void ExpectReported(const Item& item, const std::vector<std::string>& stripped) {
  if (item.truth.value("has_gps", false)) {
    EXPECT_TRUE(Has(stripped, "gps")) << item.name();
  }
  if (item.truth.value("has_thumbnail", false)) {
    EXPECT_TRUE(Has(stripped, "thumbnail")) << item.name();
  }
}

TEST_F(SharedDataTest, NothingPrivateIsLeftOfRealCamerasMetadata) {
  int with_gps = 0;
  int with_thumbnail = 0;
  for (const char* set : {"D-exif-samples", "D-metadata-extractor"}) {
    for (const Item& item : Items(set)) {
      const Decoded decoded = Decode(item.bytes, {});
      if (decoded.frame == nullptr) continue;
      const double width = decoded.frame->pixels.width;
      const std::vector<record::Box> face = {{width / 3, 10, width / 4, width / 4}};
      for (const auto& boxes : {std::vector<record::Box>{}, face}) {
        const auto redacted = Redact(item.bytes, *decoded.frame, boxes, {});
        ASSERT_TRUE(redacted.has_value()) << item.name() << redacted.error().message;
        ExpectClean(item, *decoded.frame, redacted->bytes);
        const Decoded again = Decode(redacted->bytes, {});
        ASSERT_NE(again.frame, nullptr) << item.name() << again.detail;
        EXPECT_EQ(again.frame->orientation, decoded.frame->orientation) << item.name();
        EXPECT_TRUE(!boxes.empty() || again.frame->pixels.bgr == decoded.frame->pixels.bgr);
        with_gps += item.truth.value("has_gps", false);
        with_thumbnail += item.truth.value("has_thumbnail", false);
        ExpectReported(item, redacted->stripped);
      }
    }
  }
  EXPECT_GE(with_gps, 12);
  EXPECT_GE(with_thumbnail, 72);
}

}  // namespace
}  // namespace winnow::image
