#include "libs/local/stage_chain.h"

#include <fmt/format.h>

#include "libs/base/check.h"

namespace winnow::local {
namespace {

stream::Outcome Refuse(record::ImageRecord record, std::string_view stage, const Error& error,
                       Timestamp now) {
  record.payload = {};
  record.attachment.reset();
  record::StageVerdict verdict;
  verdict.stage = stage;
  verdict.disposition = record::Disposition::kRejected;
  verdict.reason = record::Reason::kCorrupt;
  verdict.detail = error.message;
  verdict.time = now;
  return stream::Conclude(std::move(record), std::move(verdict));
}

}  // namespace

StageOverlays::StageOverlays(const state::StateStore& store,
                             const std::vector<StagePlan>& stages) {
  overlays_.reserve(stages.size());
  for (const StagePlan& stage : stages) {
    overlays_.push_back(std::make_unique<state::Overlay>(store, stage.name));
  }
}

void StageOverlays::Committed(std::uint64_t end_sequence) {
  for (const auto& overlay : overlays_) overlay->Committed(end_sequence);
}

Result<std::size_t> CountLaneStages(const std::vector<StagePlan>& stages) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < stages.size(); ++i) {
    WINNOW_ASSIGN_OR_RETURN(const std::unique_ptr<stream::Processor> processor,
                            stages[i].factory());
    if (processor->name() != stages[i].name) {
      return BugError(fmt::format("stage '{}' calls itself '{}'", stages[i].name,
                                  processor->name()));
    }
    if (processor->scope() == stream::OrderingScope::kCollection) continue;
    if (count != i) {
      return BugError(fmt::format("stage '{}' needs no collection order but follows one that does",
                                  stages[i].name));
    }
    ++count;
  }
  return count;
}

Result<StageChain> StageChain::Open(const std::vector<StagePlan>& stages, std::size_t begin,
                                    std::size_t end, StageOverlays& overlays, Timestamp now) {
  StageChain chain(begin, overlays, now);
  for (std::size_t i = begin; i < end; ++i) {
    WINNOW_ASSIGN_OR_RETURN(std::unique_ptr<stream::Processor> processor, stages[i].factory());
    WINNOW_RETURN_IF_ERROR(processor->Open(overlays.at(i)));
    chain.processors_.push_back(std::move(processor));
  }
  return chain;
}

Result<stream::Outcome> StageChain::Process(std::size_t stage, std::uint64_t sequence,
                                            record::ImageRecord record) {
  WINNOW_CHECK(stage >= begin_ && stage < size());
  stream::Processor& processor = *processors_[stage - begin_];
  state::Overlay& overlay = overlays_->at(stage);
  record::ImageRecord before = record;
  Result<stream::Outcome> outcome = processor.Process(std::move(record), overlay, now_);
  if (!outcome && outcome.error().code == ErrorCode::kInput) {
    outcome = Refuse(std::move(before), processor.name(), outcome.error(), now_);
  }
  if (outcome) overlay.Apply(sequence, outcome->writes);
  return outcome;
}

}  // namespace winnow::local
