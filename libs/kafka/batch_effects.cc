#include "libs/kafka/batch_effects.h"

#include <algorithm>

#include "libs/base/wire.h"

namespace winnow::kafka {
namespace {

void Collect(std::vector<ChangelogEntry>& changelog, char kind,
             const std::vector<stream::StateWrite>& writes) {
  for (const stream::StateWrite& write : writes) {
    ChangelogEntry& entry = changelog.emplace_back();
    entry.key.reserve(1 + write.key.size());
    entry.key.append(1, kind).append(write.key);
    if (write.value) entry.value = *write.value;
  }
}

void KeepLastWrites(std::vector<ChangelogEntry>& changelog) {
  std::stable_sort(changelog.begin(), changelog.end(),
                   [](const auto& a, const auto& b) { return a.key < b.key; });
  // What unique keeps of equals is the first, so the order is turned round.
  const auto last = std::unique(changelog.rbegin(), changelog.rend(),
                                [](const auto& a, const auto& b) { return a.key == b.key; });
  changelog.erase(changelog.begin(), last.base());
}

}  // namespace

BatchEffects EffectsOf(const Batch& batch) {
  BatchEffects effects;
  for (const Gap& gap : batch.gaps) {
    effects.partitions[gap.task->partition] = {.task = gap.task, .next = gap.end};
  }
  for (const BatchItem& item : batch.items) {
    PartitionEffects& partition = effects.partitions[item.task->partition];
    partition.task = item.task;
    partition.next = item.arrival.place.offset + 1;
    partition.time = item.arrival.time;
    effects.end_sequence = std::max(effects.end_sequence, item.sequence + 1);
    if (!item.task->state) continue;
    Collect(partition.changelog, kStateEntry, item.judgement->state);
    Collect(partition.changelog, kOriginEntry, item.judgement->origins);
  }
  for (auto& [number, partition] : effects.partitions) {
    if (!partition.task->state) continue;
    KeepLastWrites(partition.changelog);
    partition.input = WireWriter().U64(static_cast<std::uint64_t>(partition.next)).Take();
    partition.changelog.push_back({std::string(1, kInputEntry), partition.input});
  }
  return effects;
}

RdPartitions OffsetsOf(const BatchEffects& effects, const std::string& topic) {
  RdPartitions offsets = NewPartitions();
  for (const auto& [number, partition] : effects.partitions) {
    Add(offsets.get(), topic, number, partition.next);
  }
  return offsets;
}

stream::BatchReport ReportOf(const Batch& batch) {
  stream::BatchReport report;
  for (const BatchItem& item : batch.items) {
    const Judgement& judgement = *item.judgement;
    if (judgement.forgotten) continue;
    ++report.received;
    report.received_bytes += item.bytes;
    if (judgement.dead) {
      ++report.dead[std::string(Name(*judgement.dead))];
    } else {
      ++report.outcomes[judgement.verdict];
    }
    for (const Verdict& verdict : judgement.settled) ++report.settled[verdict];
  }
  return report;
}

void TellForgotten(const BatchItem& item, stream::StageObserver& observer) {
  const auto& forgotten = item.judgement->forgotten;
  if (!forgotten || !forgotten->was_held) return;
  observer.Event(stream::Severity::kInfo, "an erased image was forgotten",
                 {{"record", forgotten->id.value()},
                  {"partition", std::to_string(item.task->partition)}});
}

void TellGaps(const Batch& batch, const std::string& topic, stream::StageObserver& observer) {
  for (const Gap& gap : batch.gaps) {
    const auto offsets = static_cast<std::uint64_t>(gap.end - gap.begin);
    observer.Lost(stream::Loss::kRetention, offsets);
    observer.Event(stream::Severity::kError, "records were deleted before they were read",
                   {{"topic", topic},
                    {"partition", std::to_string(gap.task->partition)},
                    {"from", std::to_string(gap.begin)},
                    {"offsets", std::to_string(offsets)}});
  }
}

}  // namespace winnow::kafka
