#include "libs/kafka/topics.h"

#include <fmt/format.h>

#include <cstdint>

#include "libs/base/digest.h"

namespace winnow::kafka {
namespace {

// images.selected is spread over this many keys a collection, whatever its number of partitions.
constexpr unsigned kBuckets = 64;

std::string_view Suffix(Topic topic) {
  switch (topic) {
    case Topic::kRaw: return "raw";
    case Topic::kValid: return "valid";
    case Topic::kSafe: return "safe";
    case Topic::kUnique: return "unique";
    case Topic::kSelected: return "selected";
    case Topic::kRejected: return "rejected";
    case Topic::kReview: return "review";
    case Topic::kDeferred: return "deferred";
    case Topic::kDead: return "dead";
  }
  return "dead";
}

unsigned BucketOf(const record::ImageRecord& record) {
  const bool grouped = record.duplicate && !record.duplicate->cluster.empty();
  const Sha256Digest digest =
      Sha256(grouped ? record.duplicate->cluster.value() : record.id.value());
  return static_cast<unsigned>(digest[0]) % kBuckets;
}

}  // namespace

std::string TopicName(Topic topic, std::string_view prefix) {
  return fmt::format("{}images.{}", prefix, Suffix(topic));
}

std::string ChangelogName(std::string_view stage, std::string_view prefix) {
  return fmt::format("{}{}.changelog", prefix, stage);
}

std::string GroupName(std::string_view stage, std::string_view prefix) {
  return fmt::format("{}winnow-{}", prefix, stage);
}

record::Zone ZoneOf(Topic topic) {
  switch (topic) {
    case Topic::kRaw:
    case Topic::kValid:
    case Topic::kReview:
    case Topic::kDead: return record::Zone::kRaw;
    case Topic::kSafe:
    case Topic::kUnique:
    case Topic::kSelected:
    case Topic::kRejected:
    case Topic::kDeferred: return record::Zone::kSafe;
  }
  return record::Zone::kRaw;
}

std::string KeyOf(Topic topic, const record::ImageRecord& record, const ScopeOf& scope_of) {
  switch (topic) {
    case Topic::kRaw:
    case Topic::kValid:
      return record.source.temporal() ? record.source.id.value() : record.id.value();
    case Topic::kSelected:
      return fmt::format("{}/{:02}", record.collection.value(), BucketOf(record));
    case Topic::kSafe: return scope_of ? scope_of(record) : record.collection.value();
    case Topic::kUnique:
    case Topic::kRejected:
    case Topic::kReview: return record.collection.value();
    case Topic::kDeferred:
    case Topic::kDead: return record.id.value();
  }
  return record.id.value();
}

}  // namespace winnow::kafka
