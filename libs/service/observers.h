// One observer that tells several.
#pragma once

#include <algorithm>
#include <utility>
#include <vector>

#include "libs/stream/stage_observer.h"

namespace winnow::service {

// Passes every call on to all, in order. They must outlive it; as thread-safe as they are.
class Observers : public stream::StageObserver {
 public:
  explicit Observers(std::vector<stream::StageObserver*> all) : all_(std::move(all)) {}

  void Committed(const stream::BatchReport& batch) override {
    for (auto* one : all_) one->Committed(batch);
  }
  void Concluded(const record::ImageRecord& record) override {
    for (auto* one : all_) one->Concluded(record);
  }
  bool WantsConcluded(const record::ImageRecord& record) const override {
    return std::any_of(all_.begin(), all_.end(),
                       [&](const auto* one) { return one->WantsConcluded(record); });
  }
  void Aborted(std::string_view why) override {
    for (auto* one : all_) one->Aborted(why);
  }
  void Took(stream::StageStep step, std::chrono::nanoseconds time) override {
    for (auto* one : all_) one->Took(step, time);
  }
  void InFlight(std::uint64_t bytes) override {
    for (auto* one : all_) one->InFlight(bytes);
  }
  void Lag(const std::string& topic, int partition, std::uint64_t records) override {
    for (auto* one : all_) one->Lag(topic, partition, records);
  }
  void Revoked(const std::string& topic, int partition) override {
    for (auto* one : all_) one->Revoked(topic, partition);
  }
  void Restoring(int partition, std::uint64_t done, std::uint64_t of) override {
    for (auto* one : all_) one->Restoring(partition, done, of);
  }
  void Lost(stream::Loss loss, std::uint64_t records) override {
    for (auto* one : all_) one->Lost(loss, records);
  }
  void StateIs(int partition, const stream::StateFigures& figures) override {
    for (auto* one : all_) one->StateIs(partition, figures);
  }
  void ViewIs(int partition, const stream::ViewFigures& figures) override {
    for (auto* one : all_) one->ViewIs(partition, figures);
  }
  void PartsOpen(std::uint64_t parts, std::chrono::nanoseconds oldest) override {
    for (auto* one : all_) one->PartsOpen(parts, oldest);
  }
  void PartsPublished(std::uint64_t parts) override {
    for (auto* one : all_) one->PartsPublished(parts);
  }
  void TookOut(const stream::TakenOut& taken_out) override {
    for (auto* one : all_) one->TookOut(taken_out);
  }
  void Fenced() override {
    for (auto* one : all_) one->Fenced();
  }
  void Is(const stream::Condition& condition) override {
    for (auto* one : all_) one->Is(condition);
  }
  void Event(stream::Severity severity, std::string_view message,
             const stream::EventFields& fields) override {
    for (auto* one : all_) one->Event(severity, message, fields);
  }

 private:
  const std::vector<stream::StageObserver*> all_;
};

}  // namespace winnow::service
