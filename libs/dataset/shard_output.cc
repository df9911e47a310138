#include "libs/dataset/shard_output.h"

#include <fmt/format.h>

#include <map>
#include <optional>
#include <set>
#include <utility>

#include "libs/dataset/open_tar.h"
#include "libs/dataset/rewrite_shard.h"
#include "libs/dataset/sample.h"
#include "libs/dataset/shard_state.h"

namespace winnow::dataset {
namespace {

Result<std::string> DigestOf(Files& files, const std::string& path, std::uint64_t bytes) {
  Sha256Hasher hasher;
  WINNOW_RETURN_IF_ERROR(
      files.Read(path, bytes, [&](std::string_view piece) { hasher.Update(piece); }));
  return ToHex(hasher.Finish());
}

constexpr std::string_view kRewrittenSuffix = ".rewritten";

class ShardOutput : public stream::Output {
 public:
  ShardOutput(ShardOptions options, Files& files)
      : options_(std::move(options)),
        files_(files),
        staging_(StagingDirectory(options_.directory)),
        shards_(ShardDirectory(options_.directory)) {}

  Status Recover(const stream::StateView& state) override { return Guard(DoRecover(state)); }
  Status Append(record::ImageRecord& record) override {
    if (!health_) return health_;
    return Guard(DoAppend(record));
  }
  Status Remove(const record::ImageRecord& record) override {
    if (!health_) return health_;
    return Guard(DoRemove(record));
  }
  Status Seal() override {
    if (!health_) return health_;
    return Guard(DoSeal());
  }
  Result<bool> TakeOut() override {
    if (!health_) return health_.error();
    auto took_out = DoTakeOut();
    if (!took_out) health_ = took_out.error();
    return took_out;
  }
  Result<std::vector<stream::StateWrite>> Prepare() override {
    if (!health_) return health_.error();
    auto writes = DoPrepare();
    if (!writes) health_ = writes.error();
    return writes;
  }
  Status Publish() override {
    if (!health_) return health_;
    return Guard(DoPublish());
  }

 private:
  // One per split. `number` counts the split's shards; `tar` is empty between two of them.
  struct Lane {
    std::uint64_t number = 0;
    std::optional<OpenTar> tar;
    bool changed = false;
  };

  // What the state promises to publish: a shard under its name, or the file that takes its place.
  struct Promise {
    Shard shard;
    bool rewritten = false;
  };

  Status Guard(Status status) {
    health_ = status;
    return status;
  }

  Status DoRecover(const stream::StateView& state);
  Status RecoverClosed(const Shard& shard);
  Status RecoverOpen(const std::string& split, const OpenShard& open);
  Status RemoveOrphans();
  Status DoAppend(record::ImageRecord& record);
  Status DoRemove(const record::ImageRecord& record);
  Status DoSeal();
  Result<bool> DoTakeOut();
  Result<std::vector<stream::StateWrite>> DoPrepare();
  Status DoPublish();

  Status MakeRoom(const std::string& split, Lane& lane, std::uint64_t bytes);
  Status Begin(const std::string& split, Lane& lane);
  Status Close(const std::string& split, Lane& lane);
  Status PublishShard(const Shard& shard);
  Status PublishRewritten(const Shard& shard);
  Result<bool> Holds(const std::string& path, const Shard& shard);
  Status RefuseForeign(const std::string& name);

  std::string ShardName(const std::string& split, std::uint64_t number) const {
    return fmt::format("{}-{}-{:06}.tar", options_.collection.value(), split, number);
  }
  std::string Staged(const std::string& name) const { return JoinPath(staging_, name); }
  std::string Final(const std::string& name) const { return JoinPath(shards_, name); }
  std::string Rewritten(const std::string& name) const {
    return Staged(name) + std::string(kRewrittenSuffix);
  }

  const ShardOptions options_;
  Files& files_;
  const std::string staging_;
  const std::string shards_;
  Status health_ = BugError("the shard output was used before Recover");
  std::map<std::string, Lane> lanes_;
  std::map<std::string, Shard> shards_by_name_;           // all that the state knows
  std::map<std::string, std::set<std::string>> removed_;  // keys to be taken out, by shard
  std::vector<Promise> closed_;                           // since the last Prepare
  std::vector<Promise> promised_;                         // prepared, to be published
  std::vector<stream::StateWrite> removals_;              // since the last Prepare
  bool names_dirty_ = false;     // staging holds a new name that is not synced
};

// ---- recovery ------------------------------------------------------------------------------

Status ShardOutput::DoRecover(const stream::StateView& state) {
  lanes_.clear();
  shards_by_name_.clear();
  closed_.clear();
  promised_.clear();
  removals_.clear();
  names_dirty_ = false;
  WINNOW_RETURN_IF_ERROR(files_.MakeDirectories(staging_));
  WINNOW_RETURN_IF_ERROR(files_.MakeDirectories(shards_));
  WINNOW_ASSIGN_OR_RETURN(ShardState recorded, ReadShardState(state));
  removed_ = std::move(recorded.removed);
  for (const Shard& shard : recorded.closed) WINNOW_RETURN_IF_ERROR(RecoverClosed(shard));
  for (const auto& [split, open] : recorded.open) WINNOW_RETURN_IF_ERROR(RecoverOpen(split, open));
  WINNOW_RETURN_IF_ERROR(RemoveOrphans());
  return DoPublish();
}

// A published shard is only looked at; one still in staging is published again, after a check that
// it is what the state promises.
Status ShardOutput::RecoverClosed(const Shard& shard) {
  shards_by_name_[shard.name] = shard;
  // A rewritten one that is not as recorded was begun after the last commit: an orphan.
  WINNOW_ASSIGN_OR_RETURN(const bool rewritten, Holds(Rewritten(shard.name), shard));
  if (rewritten) {
    promised_.push_back({shard, true});
    return {};
  }
  const std::string staged = Staged(shard.name);
  WINNOW_ASSIGN_OR_RETURN(const auto size, files_.Size(staged));
  if (size && *size == shard.bytes) {
    WINNOW_ASSIGN_OR_RETURN(const std::string digest, DigestOf(files_, staged, shard.bytes));
    if (digest != shard.sha256) {
      return CorruptStateError(fmt::format(
          "{} is damaged: its SHA-256 is not the recorded one; start a new output directory",
          staged));
    }
  }
  if (size) {
    promised_.push_back({shard});
    return {};
  }
  WINNOW_ASSIGN_OR_RETURN(const auto published, files_.Size(Final(shard.name)));
  if (published == shard.bytes) return {};
  return CorruptStateError(fmt::format(
      "{} {}; put it back or start a new output directory", Final(shard.name),
      published ? fmt::format("has {} bytes, recorded are {}", *published, shard.bytes)
                : "is recorded as written but is not there"));
}

Status ShardOutput::RecoverOpen(const std::string& split, const OpenShard& open) {
  Lane& lane = lanes_[split];
  lane.number = open.number;
  if (open.bytes == 0) return {};
  const std::string name = ShardName(split, open.number);
  WINNOW_RETURN_IF_ERROR(RefuseForeign(name));
  WINNOW_ASSIGN_OR_RETURN(OpenTar tar,
                          OpenTar::Resume(files_, Staged(name), open.bytes, open.samples));
  lane.tar = std::move(tar);
  return {};
}

// Files begun after the last commit: the same appends will make them again.
Status ShardOutput::RemoveOrphans() {
  std::set<std::string> known;
  for (const auto& [split, lane] : lanes_) {
    if (lane.tar) known.insert(ShardName(split, lane.number));
  }
  for (const auto& [shard, rewritten] : promised_) {
    known.insert(rewritten ? shard.name + std::string(kRewrittenSuffix) : shard.name);
  }
  WINNOW_ASSIGN_OR_RETURN(const auto names, files_.List(staging_));
  for (const std::string& name : names) {
    if (known.count(name) == 0) WINNOW_RETURN_IF_ERROR(files_.Remove(Staged(name)));
  }
  return {};
}

// ---- appending -----------------------------------------------------------------------------

Status ShardOutput::DoAppend(record::ImageRecord& record) {
  WINNOW_ASSIGN_OR_RETURN(const Sample sample, MakeSample(record));
  const std::string split = record.placement->split;
  const std::vector<TarEntry> entries = sample.entries();
  Lane& lane = lanes_[split];
  WINNOW_RETURN_IF_ERROR(MakeRoom(split, lane, TarBytes(entries)));
  WINNOW_RETURN_IF_ERROR(lane.tar->AppendSample(entries));
  lane.changed = true;
  record.placement->shard = ShardName(split, lane.number);
  return {};
}

Status ShardOutput::MakeRoom(const std::string& split, Lane& lane, std::uint64_t bytes) {
  if (lane.tar && lane.tar->samples() > 0) {
    const bool full = lane.tar->samples() + 1 > options_.max_images ||
                      lane.tar->bytes() + bytes + kTarTrailerBytes > options_.max_bytes;
    if (full) WINNOW_RETURN_IF_ERROR(Close(split, lane));
  }
  if (!lane.tar) return Begin(split, lane);
  return {};
}

Status ShardOutput::Begin(const std::string& split, Lane& lane) {
  const std::string name = ShardName(split, lane.number);
  WINNOW_RETURN_IF_ERROR(RefuseForeign(name));
  WINNOW_ASSIGN_OR_RETURN(OpenTar tar, OpenTar::Begin(files_, Staged(name)));
  lane.tar = std::move(tar);
  names_dirty_ = true;
  return {};
}

Status ShardOutput::Close(const std::string& split, Lane& lane) {
  Shard shard{ShardName(split, lane.number), split, lane.tar->samples(), 0, ""};
  WINNOW_ASSIGN_OR_RETURN(shard.sha256, lane.tar->Close());
  shard.bytes = lane.tar->bytes();
  closed_.push_back({std::move(shard)});
  lane.tar.reset();
  ++lane.number;
  lane.changed = true;
  return {};
}

Status ShardOutput::DoSeal() {
  for (auto& [split, lane] : lanes_) {
    if (lane.tar) WINNOW_RETURN_IF_ERROR(Close(split, lane));
  }
  return {};
}

// ---- taking out ----------------------------------------------------------------------------

Status ShardOutput::DoRemove(const record::ImageRecord& record) {
  if (!record.placement || record.placement->shard.empty() || record.placement->key.empty()) {
    return BugError(fmt::format("record {} was to be taken out of the dataset, but nothing says "
                                "where it is",
                                record.id.value()));
  }
  const record::Placement& place = *record.placement;
  if (removed_[place.shard].insert(place.key).second) {
    removals_.push_back(RemovedWrite(place.shard, place.key));
  }
  return {};
}

// One shard, so that no more than one lies there twice.
Result<bool> ShardOutput::DoTakeOut() {
  if (removed_.empty()) return false;
  const auto& [name, keys] = *removed_.begin();
  const auto shard = shards_by_name_.find(name);
  if (!closed_.empty() || !promised_.empty() || shard == shards_by_name_.end()) {
    return BugError(fmt::format("samples were to be taken out of {}, which is not published", name));
  }
  WINNOW_ASSIGN_OR_RETURN(
      Shard rewritten, RewriteWithout(files_, shard->second, Final(name), Rewritten(name), keys));
  names_dirty_ = true;
  closed_.push_back({std::move(rewritten), true});
  for (const std::string& key : keys) removals_.push_back(TakenOutWrite(name, key));
  removed_.erase(removed_.begin());
  return true;
}

// A name in use is noticed before hours of work go into the shard.
Status ShardOutput::RefuseForeign(const std::string& name) {
  WINNOW_ASSIGN_OR_RETURN(const auto size, files_.Size(Final(name)));
  if (!size) return {};
  return CorruptStateError(fmt::format(
      "{} exists but this dataset's state does not know it; move it away or choose another output "
      "directory",
      Final(name)));
}

// ---- committing ----------------------------------------------------------------------------

Result<std::vector<stream::StateWrite>> ShardOutput::DoPrepare() {
  std::vector<stream::StateWrite> writes = {FormatWrite()};
  for (auto& [split, lane] : lanes_) {
    if (lane.tar) WINNOW_RETURN_IF_ERROR(lane.tar->Sync());
    if (!std::exchange(lane.changed, false)) continue;
    writes.push_back(OpenWrite(split, {lane.number, lane.tar ? lane.tar->samples() : 0,
                                       lane.tar ? lane.tar->bytes() : 0}));
  }
  if (names_dirty_) WINNOW_RETURN_IF_ERROR(files_.SyncDirectory(staging_));
  names_dirty_ = false;
  for (Promise& promise : closed_) {
    writes.push_back(ClosedWrite(promise.shard));
    shards_by_name_[promise.shard.name] = promise.shard;
    promised_.push_back(std::move(promise));
  }
  closed_.clear();
  for (stream::StateWrite& write : std::exchange(removals_, {})) writes.push_back(std::move(write));
  return writes;
}

Status ShardOutput::DoPublish() {
  if (promised_.empty()) return {};
  for (const auto& [shard, rewritten] : promised_) {
    WINNOW_RETURN_IF_ERROR(rewritten ? PublishRewritten(shard) : PublishShard(shard));
  }
  // In this order a power cut can leave both names of a shard, never none.
  WINNOW_RETURN_IF_ERROR(files_.SyncDirectory(shards_));
  WINNOW_RETURN_IF_ERROR(files_.SyncDirectory(staging_));
  promised_.clear();
  return {};
}

Status ShardOutput::PublishShard(const Shard& shard) {
  const std::string from = Staged(shard.name);
  const std::string to = Final(shard.name);
  WINNOW_ASSIGN_OR_RETURN(const auto size, files_.Size(from));
  if (size != shard.bytes) {
    return CorruptStateError(fmt::format("{} was changed by someone else; start a new output "
                                         "directory",
                                         from));
  }
  WINNOW_ASSIGN_OR_RETURN(const auto outcome, files_.RenameNoReplace(from, to));
  if (outcome == RenameOutcome::kRenamed) return {};
  WINNOW_ASSIGN_OR_RETURN(const bool published, Holds(Final(shard.name), shard));
  if (published) return files_.Remove(from);
  return CorruptStateError(fmt::format(
      "{} exists and holds something else than the shard to be published; move it away and run the "
      "same command again",
      to));
}

// Over what the shard was. A power cut can leave both names of the new file, which a rename would
// leave as they are.
Status ShardOutput::PublishRewritten(const Shard& shard) {
  WINNOW_ASSIGN_OR_RETURN(const bool published, Holds(Final(shard.name), shard));
  if (published) return files_.Remove(Rewritten(shard.name));
  return files_.Replace(Rewritten(shard.name), Final(shard.name));
}

Result<bool> ShardOutput::Holds(const std::string& path, const Shard& shard) {
  WINNOW_ASSIGN_OR_RETURN(const auto size, files_.Size(path));
  if (size != shard.bytes) return false;
  WINNOW_ASSIGN_OR_RETURN(const std::string digest, DigestOf(files_, path, shard.bytes));
  return digest == shard.sha256;
}

}  // namespace

Result<std::unique_ptr<stream::Output>> NewShardOutput(const ShardOptions& options, Files& files) {
  if (options.directory.empty()) return ConfigError("no output directory was given");
  WINNOW_RETURN_IF_ERROR(CheckCollection(options.collection));
  if (options.max_images == 0 || options.max_bytes == 0) {
    return ConfigError("a shard must have room for at least one image and one byte");
  }
  return std::make_unique<ShardOutput>(options, files);
}

std::string ShardDirectory(const std::string& dataset_directory) {
  return JoinPath(dataset_directory, "shards");
}

std::string StagingDirectory(const std::string& dataset_directory) {
  return JoinPath(dataset_directory, ".winnow/staging");
}

}  // namespace winnow::dataset
