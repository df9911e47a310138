// The topics of the pipeline: their names, zones and keys.
#pragma once

#include <array>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "libs/record/codec.h"
#include "libs/record/image_record.h"

namespace winnow::kafka {

enum class Topic {
  kRaw,       // what was accepted
  kValid,     // passed validation
  kSafe,      // redacted
  kUnique,    // not a duplicate
  kSelected,  // admitted by the balancer
  kRejected,  // refusals, without payload
  kReview,    // could not be judged safe; payload as a reference into the raw zone
  kDeferred,  // compacted, by record id: what the reserve holds now
  kDead,      // messages nobody could decode, as they came
};

inline constexpr std::array kAllTopics = {
    Topic::kRaw,      Topic::kValid,    Topic::kSafe,   Topic::kUnique, Topic::kSelected,
    Topic::kRejected, Topic::kReview, Topic::kDeferred, Topic::kDead};

// "images.raw", with `prefix` before it: several pipelines can share a cluster.
std::string TopicName(Topic topic, std::string_view prefix);
// "deduper.changelog".
std::string ChangelogName(std::string_view stage, std::string_view prefix);
// "winnow-deduper": the consumer group of a stage, with `prefix` before it.
std::string GroupName(std::string_view stage, std::string_view prefix);

record::Zone ZoneOf(Topic topic);

// Whose images a record is compared with, as a text that is not empty: images of one scope meet in
// one partition of images.safe, whatever its number of partitions.
using ScopeOf = std::function<std::string(const record::ImageRecord&)>;

// The message key, which decides the partition (murmur2, as the Java client):
//   raw, valid            source id for cameras (their order is kept), else record id
//   safe                  dedup scope; without `scope_of` the collection
//   unique                collection
//   selected              collection and a bucket of the duplicates' cluster: "street/07"; of a
//                         record without one, of its id. So look-alikes stay together and in order
//   rejected, review      collection
//   deferred              record id
// images.dead keeps the key of the message.
std::string KeyOf(Topic topic, const record::ImageRecord& record, const ScopeOf& scope_of = nullptr);

}  // namespace winnow::kafka
