#include "libs/dataset/sample.h"

#include <fmt/format.h>

#include <algorithm>

#include "libs/dataset/sample_json.h"

namespace winnow::dataset {

Result<Sample> MakeSample(record::ImageRecord& record) {
  const auto* payload = std::get_if<record::SafePayload>(&record.payload);
  if (payload == nullptr) {
    return BugError(fmt::format("record {} reached the dataset writer without passing redaction",
                                record.id.value()));
  }
  const record::PayloadContent& content = payload->content();
  if (content.bytes.empty() && content.length() > 0) {
    return BugError(fmt::format("record {} reached the dataset writer without its image",
                                record.id.value()));
  }
  if (!record.placement || !IsPlainName(record.placement->split)) {
    return BugError(fmt::format("record {} reached the dataset writer without a valid split",
                                record.id.value()));
  }
  const std::string key = SampleKey(record.id);
  record.placement->key = key;
  return Sample{key + "." + ImageExtension(content.media_type), content.bytes.view(),
                key + ".json", SampleJson(record)};
}

bool IsPlainName(std::string_view name) {
  return !name.empty() && name.size() <= 64 &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '-' || c == '_';
         });
}

Status CheckCollection(const CollectionId& collection) {
  if (IsPlainName(collection.value())) return {};
  return ConfigError(fmt::format(
      "the collection name \"{}\" cannot be part of a file name; use 1 to 64 letters, digits, "
      "'-' and '_'",
      collection.value()));
}

}  // namespace winnow::dataset
