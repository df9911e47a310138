#include "services/winnow/duplicate_groups.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace winnow::cli {
namespace {

using dataset::DropKind;
using record::Disposition;
using record::ImageRecord;
using record::Reason;

// Nothing for an image that is not gone for another one.
std::optional<DropKind> DropOf(const ImageRecord& record) {
  switch (record.history.back().reason) {
    case Reason::kExactDuplicate: return DropKind::kSameBytes;
    case Reason::kNearDuplicate: return DropKind::kLookAlike;
    case Reason::kSuperseded: return DropKind::kSuperseded;
    default: return std::nullopt;
  }
}

bool IsKept(Disposition disposition) {
  return disposition == Disposition::kStored || disposition == Disposition::kDeferred ||
         disposition == Disposition::kForwarded;
}

std::vector<const GoneImage*> AtEvenSteps(const std::vector<const GoneImage*>& all,
                                          std::size_t count) {
  std::vector<const GoneImage*> some;
  const std::size_t shown = std::min(all.size(), count);
  for (std::size_t i = 0; i < shown; ++i) some.push_back(all[i * all.size() / shown]);
  return some;
}

}  // namespace

std::optional<int> DistanceToReplaced(const ImageRecord& better) {
  for (const record::StageVerdict& verdict : better.history) {
    const auto distance = verdict.scores.find("distance");
    if (verdict.stage != "deduper" || distance == verdict.scores.end()) continue;
    return static_cast<int>(distance->second);
  }
  return std::nullopt;
}

void DuplicateGroups::Count(const ImageRecord& record) {
  dataset::SourceFigures& figures = sources_[record.source.id.value()];
  figures.source = record.source.id.value();
  ++figures.received;
  const std::optional<DropKind> drop = DropOf(record);
  if (drop == DropKind::kSameBytes) {
    ++figures.same_bytes;
  } else if (drop == DropKind::kLookAlike) {
    ++figures.look_alikes;
  } else if (drop == DropKind::kSuperseded) {
    ++figures.superseded;
  } else if (IsKept(record.history.back().disposition)) {
    ++figures.kept;
  } else {
    ++figures.otherwise;
  }
}

void DuplicateGroups::Add(const ImageRecord& record) {
  if (record.history.empty()) return;
  Count(record);
  if (!record.duplicate) return;
  std::optional<int> distance = DistanceToReplaced(record);
  for (const RecordId& earlier : record.duplicate->replaces) {
    instead_of_[earlier] = {record.id, std::exchange(distance, std::nullopt)};
  }
  const std::optional<DropKind> drop = DropOf(record);
  if (!drop) return;
  gone_.push_back({record.id, {}, *drop, std::nullopt, record.duplicate->turn});
  if (*drop == DropKind::kSuperseded) return;  // what replaced it comes later, and says so
  instead_of_[record.id] = {record.duplicate->of, record.duplicate->distance};
}

std::vector<dataset::SourceFigures> DuplicateGroups::Sources() const {
  std::vector<dataset::SourceFigures> sources;
  for (const auto& [name, figures] : sources_) sources.push_back(figures);
  return sources;
}

RecordId DuplicateGroups::KeeperOf(const GoneImage& gone) const {
  RecordId keeper = gone.id;
  // The chain is as long as there are images gone, at most: damaged state could hold a ring.
  for (std::size_t step = 0; step <= gone_.size(); ++step) {
    const auto next = instead_of_.find(keeper);
    if (next == instead_of_.end()) break;
    keeper = next->second.id;
  }
  return keeper;
}

GoneImage DuplicateGroups::Complete(GoneImage gone) const {
  const Successor& successor = instead_of_.at(gone.id);
  gone.against = successor.id;
  gone.distance = successor.distance;
  return gone;
}

DuplicateGroups::Chosen DuplicateGroups::Choose(const GroupLimits& limits) const {
  struct Whole {
    std::size_t began;
    std::vector<const GoneImage*> gone;
  };
  std::map<RecordId, Whole> by_keeper;
  for (std::size_t i = 0; i < gone_.size(); ++i) {
    const RecordId keeper = KeeperOf(gone_[i]);
    if (keeper == gone_[i].id) continue;  // what took its place is not in the ledger
    by_keeper.try_emplace(keeper, Whole{i, {}}).first->second.gone.push_back(&gone_[i]);
  }
  std::vector<std::pair<RecordId, Whole>> all(by_keeper.begin(), by_keeper.end());
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) {
    return std::pair(b.second.gone.size(), a.second.began) <
           std::pair(a.second.gone.size(), b.second.began);
  });
  Chosen chosen;
  chosen.not_shown = all.size() - std::min(all.size(), limits.groups);
  all.resize(all.size() - chosen.not_shown);
  std::sort(all.begin(), all.end(),
            [](const auto& a, const auto& b) { return a.second.began < b.second.began; });
  for (const auto& [keeper, whole] : all) {
    DuplicateGroup group{keeper, {}, 0};
    for (const GoneImage* gone : AtEvenSteps(whole.gone, limits.of_a_group)) {
      group.gone.push_back(Complete(*gone));
    }
    group.not_shown = whole.gone.size() - group.gone.size();
    chosen.groups.push_back(std::move(group));
  }
  return chosen;
}

}  // namespace winnow::cli
