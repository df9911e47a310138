// Internal to libs/kafka: what a batch leaves per partition, and what it is told as.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/kafka/batch.h"
#include "libs/kafka/client.h"
#include "libs/stream/stage_observer.h"

namespace winnow::kafka {

// A message of the changelog.
struct ChangelogEntry {
  std::string key;                        // one byte of kind, then the entry's key
  std::optional<std::string_view> value;  // refers to the batch, or to PartitionEffects::input
};

struct PartitionEffects {
  PartitionTask* task = nullptr;
  std::int64_t next = 0;      // the offset after the last record or gap
  Timestamp time{};           // of the last record
  // By key; of one entry only the last write of the batch.
  std::vector<ChangelogEntry> changelog = {};
  std::string input = {};  // value of the entry that says how far the input was judged
  std::int64_t greatest_changelog_offset = -1;
};

struct BatchEffects {
  std::map<int, PartitionEffects> partitions;
  std::uint64_t end_sequence = 0;
};

// All records must be judged. Refers to the batch.
BatchEffects EffectsOf(const Batch& batch);
RdPartitions OffsetsOf(const BatchEffects& effects, const std::string& topic);

stream::BatchReport ReportOf(const Batch& batch);
// What was forgotten because of an order that found something. To be told with the report.
void TellForgotten(const BatchItem& item, stream::StageObserver& observer);
// What was deleted before it was read. To be told with the report.
void TellGaps(const Batch& batch, const std::string& topic, stream::StageObserver& observer);

}  // namespace winnow::kafka
