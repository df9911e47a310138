#include "libs/ingest/yolo_labels.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>

#include "libs/base/utf8.h"

namespace winnow::ingest {
namespace {

constexpr std::string_view kBlank = " \t\r\f\v";

std::string_view Trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

// Calls `visit(line, number)` for each line until it gives an Error.
Status EachLine(std::string_view text, auto visit) {
  for (int number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    WINNOW_RETURN_IF_ERROR(visit(Trimmed(text.substr(0, end)), number));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return {};
}

std::optional<std::vector<double>> Numbers(std::string_view line) {
  std::vector<double> numbers;
  while (!(line = Trimmed(line)).empty()) {
    const std::string_view word = line.substr(0, line.find_first_of(kBlank));
    double value = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    if (error != std::errc() || end != word.data() + word.size() || !std::isfinite(value)) {
      return std::nullopt;
    }
    numbers.push_back(value);
    line.remove_prefix(word.size());
  }
  return numbers;
}

// Turns the numbers of one line into an annotation.
class LineReader {
 public:
  LineReader(const YoloClasses& classes, UprightSize size) : classes_(classes), size_(size) {}

  Result<record::Annotation> Read(std::string_view line) const {
    const auto numbers = Numbers(line);
    if (!numbers) return InputError("not a line of numbers");
    record::Annotation annotation;
    WINNOW_ASSIGN_OR_RETURN(annotation.label, Label(numbers->front()));
    const std::vector<double> rest(numbers->begin() + 1, numbers->end());
    const auto pose = static_cast<std::size_t>(4 + classes_.keypoints * classes_.keypoint_values);
    if (rest.size() == 4 || (classes_.keypoints > 0 && rest.size() == pose)) {
      WINNOW_RETURN_IF_ERROR(PutBox(rest, annotation));
      return PutKeypoints(rest, annotation);
    }
    if (classes_.keypoints == 0 && rest.size() >= 6 && rest.size() % 2 == 0) {
      return PutPolygon(rest, annotation);
    }
    return InputError(std::to_string(numbers->size()) +
                      " numbers are neither a box (5) nor a polygon (7, 9, 11 ...)");
  }

 private:
  Result<std::string> Label(double index) const {
    if (index < 0 || index != std::floor(index)) return InputError("the class is no whole number");
    // A gap in a `names` map is an empty name.
    if (index >= static_cast<double>(classes_.names.size()) ||
        classes_.names[static_cast<std::size_t>(index)].empty()) {
      const auto shown = static_cast<std::uint64_t>(std::min(index, 1e15));
      return InputError("class " + std::to_string(shown) + " is not among the " +
                        std::to_string(classes_.names.size()) + " names of the class list");
    }
    return classes_.names[static_cast<std::size_t>(index)];
  }

  // Label tools write at least four digits, so a value beyond this is in pixels or broken.
  static bool Normalised(double value) { return value >= -0.01 && value <= 1.01; }

  static double Clip(double value, double limit) {
    if (value < 0 && value > -1) return 0;
    return value > limit && value < limit + 1 ? limit : value;
  }

  Status PutBox(const std::vector<double>& v, record::Annotation& annotation) const {
    if (!std::all_of(v.begin(), v.begin() + 4, Normalised)) return InputError("not in 0 .. 1");
    const double left = Clip((v[0] - v[2] / 2) * size_.width, size_.width);
    const double top = Clip((v[1] - v[3] / 2) * size_.height, size_.height);
    const double right = Clip((v[0] + v[2] / 2) * size_.width, size_.width);
    const double bottom = Clip((v[1] + v[3] / 2) * size_.height, size_.height);
    annotation.box = record::Box{left, top, right - left, bottom - top};
    return {};
  }

  Result<record::Annotation> PutKeypoints(const std::vector<double>& v,
                                          record::Annotation& annotation) const {
    const auto step = static_cast<std::size_t>(classes_.keypoint_values);
    for (std::size_t i = 4; i + 1 < v.size(); i += step) {
      if (!Normalised(v[i]) || !Normalised(v[i + 1])) return InputError("not in 0 .. 1");
      const int visibility = step == 3 ? static_cast<int>(std::clamp(v[i + 2], 0., 2.)) : 2;
      annotation.keypoints.push_back({Place(v[i], v[i + 1]), visibility});
    }
    return std::move(annotation);
  }

  Result<record::Annotation> PutPolygon(const std::vector<double>& v,
                                        record::Annotation& annotation) const {
    if (!std::all_of(v.begin(), v.end(), Normalised)) return InputError("not in 0 .. 1");
    std::vector<record::Point>& ring = annotation.polygons.emplace().rings.emplace_back();
    for (std::size_t i = 0; i < v.size(); i += 2) ring.push_back(Place(v[i], v[i + 1]));
    return std::move(annotation);
  }

  record::Point Place(double x, double y) const {
    return {Clip(x * size_.width, size_.width), Clip(y * size_.height, size_.height)};
  }

  const YoloClasses& classes_;
  UprightSize size_;
};

// Indices of a `names` map, bounded: a class file names thousands of classes, not billions.
constexpr int kMaxClasses = 1'000'000;

Result<std::vector<std::string>> ReadNames(const YAML::Node& names) {
  std::map<int, std::string> by_index;
  if (names.IsSequence()) {
    for (const YAML::Node& name : names) {
      by_index.emplace(static_cast<int>(by_index.size()), name.as<std::string>());
    }
  } else if (names.IsMap()) {
    for (const auto& entry : names) {
      by_index.emplace(entry.first.as<int>(), entry.second.as<std::string>());
    }
  } else {
    return InputError("names must be a list or a map from index to name");
  }
  std::vector<std::string> list;
  for (const auto& [index, name] : by_index) {
    if (index < 0 || index >= kMaxClasses) return InputError("names has an index out of range");
    list.resize(static_cast<std::size_t>(index) + 1);
    list.back() = ToUtf8(name);
  }
  return list;
}

Status ReadKeypointShape(const YAML::Node& shape, YoloClasses& classes) {
  if (!shape) return {};
  if (!shape.IsSequence() || shape.size() != 2) return InputError("kpt_shape must be [count, 2|3]");
  classes.keypoints = shape[0].as<int>();
  classes.keypoint_values = shape[1].as<int>();
  const bool fits = classes.keypoints > 0 && classes.keypoints <= 1000 &&
                    (classes.keypoint_values == 2 || classes.keypoint_values == 3);
  if (!fits) return InputError("kpt_shape must be [count, 2|3]");
  return {};
}

}  // namespace

YoloClasses ParseClassList(std::string_view text) {
  YoloClasses classes;
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  (void)EachLine(text, [&](std::string_view line, int) -> Status {
    classes.names.push_back(ToUtf8(line));
    return {};
  });
  while (!classes.names.empty() && classes.names.back().empty()) classes.names.pop_back();
  return classes;
}

Result<YoloClasses> ParseDataYaml(const std::string& text) {
  try {
    const YAML::Node document = YAML::Load(text);
    YoloClasses classes;
    if (!document.IsMap()) return classes;
    if (const YAML::Node names = document["names"]) {
      WINNOW_ASSIGN_OR_RETURN(classes.names, ReadNames(names));
    }
    WINNOW_RETURN_IF_ERROR(ReadKeypointShape(document["kpt_shape"], classes));
    return classes;
  } catch (const YAML::Exception& error) {
    return InputError("line " + std::to_string(error.mark.line + 1) + ": " + error.msg);
  }
}

Result<std::vector<record::Annotation>> ParseYoloLabels(std::string_view text,
                                                        const YoloClasses& classes,
                                                        UprightSize size) {
  const LineReader reader(classes, size);
  std::vector<record::Annotation> annotations;
  WINNOW_RETURN_IF_ERROR(EachLine(text, [&](std::string_view line, int number) -> Status {
    if (line.empty()) return {};
    auto annotation = reader.Read(line);
    if (!annotation) {
      return InputError("line " + std::to_string(number) + ": " + annotation.error().message);
    }
    annotations.push_back(*std::move(annotation));
    return {};
  }));
  return annotations;
}

}  // namespace winnow::ingest
