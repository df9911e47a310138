// A run of stages with their processors and state, as one lane or the ordered half sees them.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "libs/base/clock.h"
#include "libs/base/result.h"
#include "libs/local/local_runner.h"
#include "libs/state/overlay.h"
#include "libs/stream/processor.h"

namespace winnow::local {

// Uncommitted state of every stage, shared by all lanes. Thread-safe.
class StageOverlays {
 public:
  StageOverlays(const state::StateStore& store, const std::vector<StagePlan>& stages);

  state::Overlay& at(std::size_t stage) { return *overlays_[stage]; }
  void Committed(std::uint64_t end_sequence);

 private:
  std::vector<std::unique_ptr<state::Overlay>> overlays_;
};

// How many stages at the head of the pipeline can run in lanes. kBug if one that can follows one
// that cannot.
Result<std::size_t> CountLaneStages(const std::vector<StagePlan>& stages);

// Processors of the stages [begin, end), opened on their state. One thread.
class StageChain {
 public:
  static Result<StageChain> Open(const std::vector<StagePlan>& stages, std::size_t begin,
                                 std::size_t end, StageOverlays& overlays, Timestamp now);

  // Index after the last stage.
  std::size_t size() const { return begin_ + processors_.size(); }

  // Judges `record` at pipeline stage `stage` and makes its state writes visible, as record
  // `sequence`. An input error becomes a refusal: the stage could not read the record, and nothing
  // else is wrong.
  Result<stream::Outcome> Process(std::size_t stage, std::uint64_t sequence,
                                  record::ImageRecord record);

 private:
  StageChain(std::size_t begin, StageOverlays& overlays, Timestamp now)
      : begin_(begin), overlays_(&overlays), now_(now) {}

  std::size_t begin_;
  StageOverlays* overlays_;
  Timestamp now_;
  std::vector<std::unique_ptr<stream::Processor>> processors_;
};

}  // namespace winnow::local
