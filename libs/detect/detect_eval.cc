// Measures a face detector on pictures with ground truth; the table in README.md comes from here.
// Not a test: it needs data that no repository holds.
//
//   detect_eval FILE ARCHITECTURE [name=value ...] SET...
//
// FILE: an ONNX model. SET: a folder with images and manifest.json below $WINNOW_SHARED_DATA.
// Names: overview, tile, overlap, scale, step, pixels (PyramidOptions), grow, cover (share of
// a face's box that must be redacted), sample (every n-th item).

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <ctime>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "libs/base/whole_file.h"
#include "libs/detect/multi_scale_detector.h"
#include "libs/detect/nms.h"
#include "libs/image/decode.h"

namespace winnow::detect {
namespace {

constexpr double kThresholds[] = {0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.6, 0.7};

struct Truth {
  record::Box box;  // for a point: no size
  std::string group;
  bool ignore = false;
};

struct Tally {
  int faces = 0;
  int covered = 0;  // at least Options::cover of the face's box is redacted
  int matched = 0;  // a detection with intersection over union of at least 0.5
  double boxes_wrong = 0;
  double area_wrong = 0;
};

struct Options {
  PyramidOptions pyramid;
  double grow = 0.3;
  double cover = 0.5;
  std::size_t sample = 1;
};

std::string ReadFile(const std::string& path) { return ReadWholeFile(path).value_or(""); }

double CpuSeconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

record::Box Grow(const record::Box& box, double share) {
  return {box.x - share * box.width, box.y - share * box.height, box.width * (1 + 2 * share),
          box.height * (1 + 2 * share)};
}

bool Contains(const record::Box& box, double x, double y) {
  return x >= box.x && y >= box.y && x <= box.x + box.width && y <= box.y + box.height;
}

// Which pixels the grown boxes destroy.
class Mask {
 public:
  Mask(std::uint32_t width, std::uint32_t height)
      : width_(width), height_(height), set_(std::size_t{width} * height) {}

  template <class Visit>
  void Each(const record::Box& box, Visit visit) {
    const auto limit = [](double value, std::uint32_t max) {
      return static_cast<std::uint32_t>(std::clamp<double>(std::round(value), 0, max));
    };
    for (auto y = limit(box.y, height_); y < limit(box.y + box.height, height_); ++y) {
      for (auto x = limit(box.x, width_); x < limit(box.x + box.width, width_); ++x) {
        visit(set_[std::size_t{y} * width_ + x]);
      }
    }
  }
  void Fill(const record::Box& box) {
    Each(box, [](char& pixel) { pixel = 1; });
  }
  double Share(const record::Box& box) {
    double set = 0, all = 0;
    Each(box, [&](char& pixel) { set += pixel, ++all; });
    return all > 0 ? set / all : 0;
  }

 private:
  std::uint32_t width_, height_;
  std::vector<char> set_;
};

std::vector<Truth> TruthOf(const nlohmann::json& item) {
  std::vector<Truth> truths;
  for (const auto& point : item.value("points", nlohmann::json::array())) {
    truths.push_back({{point["xy"][0], point["xy"][1], 0, 0}, "nose", false});
  }
  if (!item["boxes"].is_array()) return truths;
  for (const auto& box : item["boxes"]) {
    const auto& at = box["bbox"];
    const std::string group = box.value("difficulty", box.value("mask", std::string("face")));
    const bool ignore = group == "ignore" ||
                        (box.contains("ignore") && box["ignore"].is_boolean() && box["ignore"]);
    truths.push_back({{at[0], at[1], at[2], at[3]}, group, ignore});
  }
  return truths;
}

bool Hits(const Truth& truth, const record::Box& box) {
  if (truth.group == "nose") return Contains(box, truth.box.x, truth.box.y);
  return IntersectionOverUnion(truth.box, box) >= 0.5;
}

// True if the detection has nothing to do with any face, ignored ones included.
bool IsWrong(const std::vector<Truth>& truths, const record::Box& box) {
  return std::none_of(truths.begin(), truths.end(), [&](const Truth& truth) {
    return IntersectionOverUnion(truth.box, box) > 0.1 ||
           Contains(box, truth.box.x + truth.box.width / 2, truth.box.y + truth.box.height / 2);
  });
}

void CountPicture(const std::vector<Truth>& truths, const std::vector<Detection>& detections,
                  const image::Pixels& picture, const Options& options,
                  std::map<std::string, Tally>& tallies) {
  Mask mask(picture.width, picture.height);
  Mask wrong(picture.width, picture.height);
  for (const Detection& detection : detections) {
    const record::Box grown = Grow(detection.box, options.grow);
    mask.Fill(grown);
    if (!IsWrong(truths, detection.box)) continue;
    wrong.Fill(grown);
    ++tallies["all"].boxes_wrong;
  }
  const record::Box everything{0, 0, static_cast<double>(picture.width),
                               static_cast<double>(picture.height)};
  tallies["all"].area_wrong += wrong.Share(everything);
  for (const Truth& truth : truths) {
    if (truth.ignore) continue;
    const record::Box box = truth.group == "nose"
                                ? record::Box{truth.box.x - 1, truth.box.y - 1, 3, 3}
                                : truth.box;
    const bool covered = mask.Share(box) >= options.cover;
    const bool matched = std::any_of(detections.begin(), detections.end(),
                                     [&](const Detection& d) { return Hits(truth, d.box); });
    for (const std::string& group : {truth.group, std::string("all")}) {
      Tally& tally = tallies[group];
      ++tally.faces;
      tally.covered += covered;
      tally.matched += matched;
    }
  }
}

void Print(const std::string& set, double threshold, std::map<std::string, Tally>& tallies,
           std::size_t pictures) {
  const Tally& all = tallies["all"];
  fmt::print("{:16} {:.2f} ", set, threshold);
  for (const auto& [group, tally] : tallies) {
    if (tally.faces == 0) continue;
    fmt::print(" {} {:.3f}/{:.3f} of {}", group, 1.0 * tally.covered / tally.faces,
               1.0 * tally.matched / tally.faces, tally.faces);
  }
  const auto count = static_cast<double>(pictures);
  fmt::print("  wrong: {:.2f} boxes, {:.2f} % of area\n", all.boxes_wrong / count,
             100 * all.area_wrong / count);
}

void MeasureSet(Detector& detector, const std::string& set, const Options& options) {
  const std::string folder = std::string(std::getenv("WINNOW_SHARED_DATA")) + "/" + set + "/";
  const auto manifest = nlohmann::json::parse(ReadFile(folder + "manifest.json"));
  std::map<double, std::map<std::string, Tally>> tallies;
  std::size_t pictures = 0;
  double seconds = 0;
  for (std::size_t i = 0; i < manifest["items"].size(); i += options.sample) {
    const auto& item = manifest["items"][i];
    if (!item.value("labelled", true)) continue;
    const auto decoded =
        image::Decode(ReadFile(folder + item["file"].get<std::string>()), image::DecodeLimits());
    if (!decoded.frame) continue;
    // Ground truth is in stored pixels, so that is what is searched here.
    const double start = CpuSeconds();
    const auto found = detector.Detect(decoded.frame->pixels, kThresholds[0]);
    seconds += CpuSeconds() - start;
    if (!found) {
      fmt::print("{}: {}\n", set, found.error().message);
      return;
    }
    ++pictures;
    for (const double threshold : kThresholds) {
      std::vector<Detection> kept;
      std::copy_if(found->begin(), found->end(), std::back_inserter(kept),
                   [&](const Detection& d) { return d.score >= threshold; });
      CountPicture(TruthOf(item), kept, decoded.frame->pixels, options, tallies[threshold]);
    }
  }
  if (pictures == 0) return;
  for (auto& [threshold, tally] : tallies) Print(set, threshold, tally, pictures);
  fmt::print("{:16} {} pictures, {:.3f} CPU s each\n", set, pictures,
             seconds / static_cast<double>(pictures));
}

bool TakeOption(const std::string& argument, Options& options) {
  const auto equals = argument.find('=');
  if (equals == std::string::npos) return false;
  const std::string name = argument.substr(0, equals);
  const double value = std::atof(argument.c_str() + equals + 1);
  if (name == "overview") options.pyramid.overview_side = static_cast<std::uint32_t>(value);
  if (name == "tile") options.pyramid.tile_side = static_cast<std::uint32_t>(value);
  if (name == "overlap") options.pyramid.overlap = static_cast<std::uint32_t>(value);
  if (name == "pixels") options.pyramid.max_level_pixels = static_cast<std::uint64_t>(value);
  if (name == "scale") options.pyramid.max_scale = value;
  if (name == "step") options.pyramid.max_step = value;
  if (name == "grow") options.grow = value;
  if (name == "cover") options.cover = value;
  if (name == "sample") options.sample = static_cast<std::size_t>(value);
  return true;
}

int Main(int argc, char** argv) {
  const Head* head = argc > 3 ? FindHead(argv[2]) : nullptr;
  if (head == nullptr || std::getenv("WINNOW_SHARED_DATA") == nullptr) {
    fmt::print(stderr, "usage: WINNOW_SHARED_DATA=DIR detect_eval FILE centerface|yunet "
                       "[name=value ...] SET...\n");
    return 2;
  }
  auto network = Network::Load(ReadFile(argv[1]));
  if (!network) {
    fmt::print(stderr, "{}\n", network.error().message);
    return 1;
  }
  Options options;
  std::vector<std::string> sets;
  for (int i = 3; i < argc; ++i) {
    if (!TakeOption(argv[i], options)) sets.emplace_back(argv[i]);
  }
  MultiScaleDetector detector({"face", argv[2], ""}, *head, std::move(*network), options.pyramid);
  for (const std::string& set : sets) MeasureSet(detector, set, options);
  return 0;
}

}  // namespace
}  // namespace winnow::detect

int main(int argc, char** argv) { return winnow::detect::Main(argc, argv); }
