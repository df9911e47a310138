#include "libs/kafka/sink_partition.h"

#include <string>
#include <utility>

namespace winnow::kafka {
namespace {

// Offsets without anything to publish after which it is noted that they are done with.
constexpr std::int64_t kNoteEvery = 10'000;

}  // namespace

Status SinkPartition::Open(std::unique_ptr<stream::PartitionOutput> output) {
  Drop();
  WINNOW_ASSIGN_OR_RETURN(position_, output->Open());
  sealed_until_ = position_;
  last_record_ = std::chrono::steady_clock::now();
  output_ = std::move(output);
  return {};
}

void SinkPartition::Drop() {
  if (output_) {
    taken_out_of_dropped_ = NewlyTakenOut();
    parts_of_dropped_ += output_->published_parts();
  }
  output_.reset();
  parts_seen_ = rewrites_due_ = 0;
  unpublished_.clear();
  open_bytes_ = 0;
}

// The output hears nothing of dead letters and markers.
std::int64_t SinkPartition::published_until() const {
  const bool open = output_ && output_->open_records() > 0;
  return open ? output_->published_until() : position_;
}

Result<stream::AppendResult> SinkPartition::Append(record::ImageRecord& record,
                                                   std::int64_t offset, std::uint64_t bytes,
                                                   SteadyTime now) {
  auto result = output_->Append(record, offset);
  if (!result) return result;
  Passed(offset, now);
  if (*result != stream::AppendResult::kPublished) Note({offset, bytes, std::nullopt, now});
  return result;
}

void SinkPartition::PassOver(DeadReason reason, std::int64_t offset, std::uint64_t bytes,
                             SteadyTime now) {
  Passed(offset, now);
  Note({offset, bytes, reason, now});
}

void SinkPartition::Passed(std::int64_t offset, SteadyTime now) {
  position_ = offset + 1;
  last_record_ = now;
}

void SinkPartition::Note(Entry entry) {
  open_bytes_ += entry.bytes;
  unpublished_.push_back(entry);
}

Status SinkPartition::SealIfDue(std::chrono::milliseconds idle, SteadyTime now) {
  if (position_ <= sealed_until_) return {};
  const bool is_long = output_->open_records() == 0 && position_ - sealed_until_ >= kNoteEvery;
  if (!IsIdle(idle, now) && !is_long) return {};
  WINNOW_RETURN_IF_ERROR(output_->Seal(position_));
  sealed_until_ = position_;
  return {};
}

// One rewritten for one published, so that a sink under load writes no more than twice what comes
// in, and what is replaced goes nevertheless.
Status SinkPartition::TakeOutIfDue(std::chrono::milliseconds idle, SteadyTime now) {
  const std::uint64_t parts = output_->published_parts();
  rewrites_due_ += parts - std::exchange(parts_seen_, parts);
  if (rewrites_due_ == 0 && !IsIdle(idle, now)) return {};
  WINNOW_ASSIGN_OR_RETURN(const bool took_out, output_->TakeOut());
  rewrites_due_ = took_out && rewrites_due_ > 0 ? rewrites_due_ - 1 : 0;
  return {};
}

stream::TakenOut SinkPartition::NewlyTakenOut() {
  stream::TakenOut all = std::exchange(taken_out_of_dropped_, {});
  if (output_) all += output_->NewlyTakenOut();
  return all;
}

// Everything before the first record of the oldest open part is published, so that record is the
// first that is not.
std::optional<SinkPartition::SteadyTime> SinkPartition::open_since() const {
  if (open_parts() == 0 || unpublished_.empty()) return std::nullopt;
  return unpublished_.front().at;
}

std::uint64_t SinkPartition::TakePublishedParts() {
  const std::uint64_t parts = parts_of_dropped_ + (output_ ? output_->published_parts() : 0);
  return parts - std::exchange(parts_taken_, parts);
}

bool SinkPartition::TakePublished(stream::BatchReport& report) {
  const std::int64_t until = published_until();
  const std::uint64_t before = report.received;
  while (!unpublished_.empty() && unpublished_.front().offset < until) {
    const Entry& entry = unpublished_.front();
    ++report.received;
    report.received_bytes += entry.bytes;
    if (entry.dead) {
      ++report.dead[std::string(Name(*entry.dead))];
    } else {
      ++report.outcomes[{record::Disposition::kStored, record::Reason::kNone}];
    }
    open_bytes_ -= entry.bytes;
    unpublished_.pop_front();
  }
  return report.received > before;
}

}  // namespace winnow::kafka
