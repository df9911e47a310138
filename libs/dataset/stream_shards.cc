#include "libs/dataset/stream_shards.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <utility>

#include "libs/dataset/id_map.h"
#include "libs/dataset/open_tar.h"
#include "libs/dataset/part_store.h"
#include "libs/dataset/rewrite_shard.h"
#include "libs/dataset/sample.h"
#include "libs/dataset/sample_json.h"

namespace winnow::dataset {
namespace {

constexpr std::uint32_t kNowhere = IdMap::kMaxValue;

class PartitionShards : public stream::PartitionOutput {
 public:
  PartitionShards(const PartitionShardOptions& options, Files& files)
      : options_(options), files_(files), store_(options, files) {}

  Result<std::int64_t> Open() override {
    auto from = DoOpen();
    health_ = from ? Status() : Status(from.error());
    return from;
  }
  Result<stream::AppendResult> Append(record::ImageRecord& record, std::int64_t offset) override {
    if (!health_) return health_.error();
    auto result = DoAppend(record, offset);
    if (!result) health_ = result.error();
    return result;
  }
  Status Seal(std::int64_t end_offset) override {
    if (health_) health_ = DoSeal(end_offset);
    return health_;
  }
  Result<bool> TakeOut() override {
    if (!health_) return health_.error();
    auto took_out = DoTakeOut();
    if (!took_out) health_ = took_out.error();
    return took_out;
  }
  stream::TakenOut NewlyTakenOut() override { return std::exchange(taken_out_, {}); }
  std::int64_t published_until() const override { return CompleteUntil(nullptr, position_); }
  std::uint64_t open_records() const override {
    std::uint64_t records = 0;
    for (const auto& [split, lane] : lanes_) records += lane.tar ? lane.tar->samples() : 0;
    return records;
  }
  std::uint64_t open_parts() const override {
    return static_cast<std::uint64_t>(std::count_if(
        lanes_.begin(), lanes_.end(), [](const auto& lane) { return lane.second.tar.has_value(); }));
  }
  std::uint64_t published_parts() const override { return published_parts_; }

 private:
  // A part that was published, or is being filled.
  struct Known {
    std::string shard;
    int generation = 0;
    bool published = false;
    std::set<std::string> replaced = {};  // ids in its shard whose place others took
  };

  // One per split.
  struct Lane {
    std::int64_t begin = 0;  // where its last published range ends
    std::optional<OpenTar> tar;
    std::uint32_t part = 0;  // of `tar`, in known_
    std::int64_t first = 0;  // offset of the first sample in `tar`
    std::vector<std::string> ids;
    std::vector<std::string> replaces;
    std::map<std::string, std::uint64_t> class_counts;
  };

  Result<std::int64_t> DoOpen();
  Result<stream::AppendResult> DoAppend(record::ImageRecord& record, std::int64_t offset);
  Status DoSeal(std::int64_t end_offset);
  Result<bool> DoTakeOut();

  Status PublishStretched(std::int64_t offset);
  Status MakeRoom(const std::string& split, Lane& lane, std::uint64_t bytes, std::int64_t offset);
  Status Publish(const std::string& split, Lane& lane, std::int64_t end);
  Result<Part> Close(const std::string& split, Lane& lane);
  Status DropReplaced(const std::set<std::string>& replaced, Part& part,
                      stream::TakenOut& dropped);
  void GiveUp(const std::string& id);
  std::uint32_t Know(const std::string& shard, int generation, bool published);
  void Note(const record::ImageRecord& record, Lane& lane);
  std::int64_t CompleteUntil(const Lane* published, std::int64_t end) const;
  std::string NameOf(const std::string& split, const Lane& lane) const {
    return PartName(options_.collection, split, options_.partition, lane.begin);
  }

  const PartitionShardOptions options_;
  Files& files_;
  PartStore store_;
  Status health_ = BugError("the partition's shards were used before Open");
  std::map<std::string, Lane> lanes_;
  // The part in whose shard it is, by id; kNowhere if it is in none and must not come into one any
  // more.
  IdMap ids_;
  std::vector<Known> known_;
  // Published parts with replaced records, longest waiting first.
  std::deque<std::uint32_t> waiting_;
  stream::TakenOut taken_out_;
  std::int64_t position_ = 0;     // all offsets below were appended or passed over
  std::int64_t recorded_until_ = 0;  // what is on disk of published_until
  std::uint64_t published_parts_ = 0;
};

Result<std::int64_t> PartitionShards::DoOpen() {
  WINNOW_ASSIGN_OR_RETURN(const PartStore::Found found, store_.Recover());
  lanes_.clear();
  ids_ = IdMap();
  known_.clear();
  waiting_.clear();
  for (const Part& part : found.parts) {
    Lane& lane = lanes_[part.shard.split];
    lane.begin = std::max(lane.begin, part.end);
    const std::uint32_t number = Know(part.shard.name, part.generation, true);
    for (const std::string& id : part.ids) ids_.Insert(RecordId(id), number);
    for (const std::string& id : part.superseded) ids_.Insert(RecordId(id), kNowhere);
  }
  for (const Part& part : found.parts) {
    for (const std::string& id : part.replaces) GiveUp(id);
  }
  position_ = recorded_until_ = found.complete_until;
  published_parts_ = 0;
  return position_;
}

std::uint32_t PartitionShards::Know(const std::string& shard, int generation, bool published) {
  known_.push_back({shard, generation, published});
  return static_cast<std::uint32_t>(known_.size() - 1);
}

// ---- appending -----------------------------------------------------------------------------

Result<stream::AppendResult> PartitionShards::DoAppend(record::ImageRecord& record,
                                                       std::int64_t offset) {
  WINNOW_ASSIGN_OR_RETURN(const Sample sample, MakeSample(record));
  if (offset < position_) {
    return BugError(fmt::format("offset {} was appended after {}", offset, position_ - 1));
  }
  WINNOW_RETURN_IF_ERROR(PublishStretched(offset));
  const std::string split = record.placement->split;
  Lane& lane = lanes_[split];
  position_ = offset + 1;
  if (offset < lane.begin) return stream::AppendResult::kPublished;
  if (ids_.Contains(record.id)) return stream::AppendResult::kRepeated;
  const std::vector<TarEntry> entries = sample.entries();
  WINNOW_RETURN_IF_ERROR(MakeRoom(split, lane, TarBytes(entries), offset));
  WINNOW_RETURN_IF_ERROR(lane.tar->AppendSample(entries));
  Note(record, lane);
  record.placement->shard = NameOf(split, lane);
  return stream::AppendResult::kTaken;
}

Status PartitionShards::PublishStretched(std::int64_t offset) {
  for (auto& [split, lane] : lanes_) {
    const bool stretched =
        lane.tar && static_cast<std::uint64_t>(offset - lane.first) >= options_.max_span;
    if (stretched) WINNOW_RETURN_IF_ERROR(Publish(split, lane, offset));
  }
  return {};
}

Status PartitionShards::MakeRoom(const std::string& split, Lane& lane, std::uint64_t bytes,
                                 std::int64_t offset) {
  if (lane.tar) {
    const bool full = lane.tar->samples() + 1 > options_.max_images ||
                      lane.tar->bytes() + bytes + kTarTrailerBytes > options_.max_bytes;
    if (full) WINNOW_RETURN_IF_ERROR(Publish(split, lane, offset));
  }
  if (lane.tar) return {};
  const std::string path = store_.StagedPath(NameOf(split, lane));
  WINNOW_ASSIGN_OR_RETURN(OpenTar tar, OpenTar::Begin(files_, path));
  lane.tar = std::move(tar);
  lane.part = Know(NameOf(split, lane), 0, false);
  lane.first = offset;
  return {};
}

void PartitionShards::Note(const record::ImageRecord& record, Lane& lane) {
  ids_.Insert(record.id, lane.part);
  lane.ids.push_back(record.id.value());
  if (record.duplicate) {
    for (const RecordId& id : record.duplicate->replaces) lane.replaces.push_back(id.value());
  }
  std::set<std::string> classes;
  for (const record::Annotation& annotation : record.annotations) classes.insert(annotation.label);
  for (const std::string& name : classes) ++lane.class_counts[name];
}

// ---- publishing ----------------------------------------------------------------------------

// Up to `end`, and not beyond the first sample of a shard that stays open.
std::int64_t PartitionShards::CompleteUntil(const Lane* published, std::int64_t end) const {
  for (const auto& [split, lane] : lanes_) {
    if (lane.tar && &lane != published) end = std::min(end, lane.first);
  }
  return end;
}

Status PartitionShards::Publish(const std::string& split, Lane& lane, std::int64_t end) {
  WINNOW_ASSIGN_OR_RETURN(Part part, Close(split, lane));
  for (const std::string& id : part.replaces) GiveUp(id);
  Known& known = known_[lane.part];
  stream::TakenOut dropped;
  WINNOW_RETURN_IF_ERROR(DropReplaced(std::exchange(known.replaced, {}), part, dropped));
  part.end = end;
  part.complete_until = std::max(recorded_until_, CompleteUntil(&lane, end));
  WINNOW_RETURN_IF_ERROR(store_.Publish(part));
  known.published = true;
  ++published_parts_;
  lane.begin = end;
  recorded_until_ = part.complete_until;
  taken_out_ += dropped;
  return {};
}

// Ends the shard of a lane. The range's end is for the caller to say.
Result<Part> PartitionShards::Close(const std::string& split, Lane& lane) {
  Part part;
  part.shard = {NameOf(split, lane), split, lane.tar->samples(), 0, ""};
  WINNOW_ASSIGN_OR_RETURN(part.shard.sha256, lane.tar->Close());
  part.shard.bytes = lane.tar->bytes();
  part.collection = options_.collection.value();
  part.topic = options_.topic;
  part.partition = options_.partition;
  part.begin = lane.begin;
  part.ids = std::exchange(lane.ids, {});
  part.replaces = std::exchange(lane.replaces, {});
  part.class_counts = std::exchange(lane.class_counts, {});
  part.splits = options_.splits;
  lane.tar.reset();
  return part;
}

// From the staged shard, so that they are never seen.
Status PartitionShards::DropReplaced(const std::set<std::string>& replaced, Part& part,
                                     stream::TakenOut& dropped) {
  if (replaced.empty()) return {};
  std::set<std::string> keys;
  for (const std::string& id : replaced) keys.insert(SampleKey(RecordId(id)));
  const std::string path = store_.StagedPath(part.shard.name);
  const std::string without = path + "without";
  WINNOW_ASSIGN_OR_RETURN(
      part.shard, RewriteWithout(files_, part.shard, path, without, keys,
                                 [&](const std::string&, const std::string& json) {
                                   Uncount(json, part.class_counts, dropped);
                                 }));
  WINNOW_RETURN_IF_ERROR(files_.Replace(without, path));
  std::erase_if(part.ids, [&](const std::string& id) { return replaced.count(id) > 0; });
  part.superseded.assign(replaced.begin(), replaced.end());
  return {};
}

// A record of a part that is or will be published takes the place of `id`.
void PartitionShards::GiveUp(const std::string& id) {
  const auto part = ids_.Find(RecordId(id));
  if (!part) {
    ids_.Insert(RecordId(id), kNowhere);
    return;
  }
  if (*part == kNowhere) return;
  ids_.Assign(RecordId(id), kNowhere);
  Known& known = known_[*part];
  if (known.published && known.replaced.empty()) waiting_.push_back(*part);
  known.replaced.insert(id);
}

Result<bool> PartitionShards::DoTakeOut() {
  if (waiting_.empty()) return false;
  Known& known = known_[waiting_.front()];
  waiting_.pop_front();
  WINNOW_ASSIGN_OR_RETURN(
      const stream::TakenOut taken_out,
      store_.TakeOut(known.shard, known.generation, std::exchange(known.replaced, {})));
  ++known.generation;
  taken_out_ += taken_out;
  return true;
}

Status PartitionShards::DoSeal(std::int64_t end_offset) {
  if (end_offset < position_) {
    return BugError(fmt::format("sealed up to {}, but {} was appended", end_offset, position_ - 1));
  }
  position_ = end_offset;
  for (auto& [split, lane] : lanes_) {
    if (lane.tar) WINNOW_RETURN_IF_ERROR(Publish(split, lane, end_offset));
  }
  if (recorded_until_ >= end_offset) return {};
  WINNOW_RETURN_IF_ERROR(store_.WriteMark(end_offset));
  recorded_until_ = end_offset;
  return {};
}

// Drawn, because no name of a host or process is its own for good: a pod that comes back has those
// of its zombie.
std::string DrawnName() {
  std::random_device device;
  return fmt::format("{:08x}{:08x}", device(), device());
}

bool IsLettersAndDigits(const std::string& text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  });
}

}  // namespace

Result<std::unique_ptr<stream::PartitionOutput>> NewPartitionShards(
    const PartitionShardOptions& options, Files& files) {
  if (options.directory.empty()) return ConfigError("no output directory was given");
  WINNOW_RETURN_IF_ERROR(CheckCollection(options.collection));
  if (options.max_images == 0 || options.max_bytes == 0 || options.max_span == 0) {
    return ConfigError("a shard must have room for at least one image, byte and offset");
  }
  if (options.partition < 0) return BugError("a partition number below 0");
  if (!IsLettersAndDigits(options.writer)) return BugError("a writer name that is not plain");
  PartitionShardOptions named = options;
  if (named.writer.empty()) named.writer = DrawnName();
  return std::make_unique<PartitionShards>(named, files);
}

}  // namespace winnow::dataset
