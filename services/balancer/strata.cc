#include "services/balancer/strata.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

namespace winnow::balancer {
namespace {

constexpr std::string_view kAttributePrefix = "attribute:";

std::string OrUnknown(const std::string& value) { return value.empty() ? "unknown" : value; }

std::string Attribute(const record::ImageRecord& record, std::string_view key) {
  const auto found = record.attributes.find(std::string(key));
  return found == record.attributes.end() ? std::string() : found->second;
}

std::vector<std::string> ClassesOf(const record::ImageRecord& record) {
  std::set<std::string> labels;
  for (const record::Annotation& annotation : record.annotations) {
    if (!annotation.label.empty()) labels.insert(annotation.label);
  }
  if (!labels.empty()) return {labels.begin(), labels.end()};
  const std::string declared = Attribute(record, "class");
  return {declared.empty() ? "unlabelled" : declared};
}

}  // namespace

Status CheckAxis(std::string_view axis) {
  static constexpr std::array<std::string_view, 5> kNamed = {"class", "lighting", "source", "site",
                                                             "format"};
  if (std::find(kNamed.begin(), kNamed.end(), axis) != kNamed.end()) return {};
  if (axis.substr(0, kAttributePrefix.size()) == kAttributePrefix &&
      axis.size() > kAttributePrefix.size()) {
    return {};
  }
  return ConfigError(fmt::format(
      "balance.axes: \"{}\" is not class, lighting, source, site, format or attribute:<key>",
      axis));
}

std::vector<std::string> ValuesOf(const record::ImageRecord& record, std::string_view axis) {
  if (axis == "class") return ClassesOf(record);
  if (axis == "source") return {OrUnknown(record.source.id.value())};
  if (axis == "site") return {OrUnknown(record.source.site)};
  const record::Measurements measured = record.measurements.value_or(record::Measurements());
  if (axis == "lighting") return {std::string(Name(measured.lighting))};
  if (axis == "format") return {std::string(Name(measured.format))};
  return {OrUnknown(Attribute(record, axis.substr(kAttributePrefix.size())))};
}

}  // namespace winnow::balancer
