#include "libs/dataset/part_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "libs/base/digest.h"

namespace winnow::dataset {
namespace {

constexpr std::string_view kJson = ".json";

bool EndsWith(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

// "street-train-p003-000000000000.tar" of "street-train-p003-000000000000.tar.WRITER.json".
std::string ShardOf(const std::string& staged) { return staged.substr(0, staged.find('.') + 4); }

}  // namespace

PartStore::PartStore(PartitionShardOptions options, Files& files)
    : options_(std::move(options)),
      files_(files),
      rewriter_(options_, files),
      staging_(StagingDirectory(options_.directory)),
      shards_(ShardDirectory(options_.directory)),
      parts_(PartDirectory(options_.directory)) {}

std::string PartStore::StagedPath(const std::string& shard_name) const {
  return JoinPath(staging_, shard_name + "." + options_.writer);
}

// ---- recovery ------------------------------------------------------------------------------

// Shards are listed before staging, and that before manifests: the way a part goes. So one that
// another writer publishes meanwhile is seen at its new place at the latest.
Result<PartStore::Found> PartStore::Recover() {
  for (const std::string& directory : {staging_, shards_, parts_}) {
    WINNOW_RETURN_IF_ERROR(files_.MakeDirectories(directory));
  }
  const auto foreign = [this](const std::string& name) {
    return !IsOfPartition(name, options_.collection, options_.partition);
  };
  WINNOW_ASSIGN_OR_RETURN(auto shards, files_.List(shards_));
  WINNOW_ASSIGN_OR_RETURN(auto staged, files_.List(staging_));
  WINNOW_RETURN_IF_ERROR(RemoveStagedMarks(staged));
  std::erase_if(shards, foreign);
  std::erase_if(staged, foreign);
  const auto rewrites = std::partition(
      staged.begin(), staged.end(), [](const auto& name) { return !ParseStagedRewrite(name); });
  const std::vector<std::string> staged_rewrites(rewrites, staged.end());
  staged.erase(rewrites, staged.end());
  // What a writer that died had moved there must not be lost with its name in staging.
  WINNOW_RETURN_IF_ERROR(files_.SyncDirectory(shards_));
  WINNOW_RETURN_IF_ERROR(RemoveStagedShards(staged));
  for (const std::string& name : staged) {
    if (EndsWith(name, kJson)) WINNOW_RETURN_IF_ERROR(FinishStagedManifest(name));
  }
  WINNOW_RETURN_IF_ERROR(files_.SyncDirectory(parts_));
  WINNOW_RETURN_IF_ERROR(files_.SyncDirectory(staging_));
  WINNOW_RETURN_IF_ERROR(CheckStrangers(shards));
  WINNOW_ASSIGN_OR_RETURN(std::vector<StoredPart> parts, ReadOwn());
  WINNOW_RETURN_IF_ERROR(rewriter_.Recover(parts, staged_rewrites));
  Found found;
  WINNOW_ASSIGN_OR_RETURN(found.complete_until, ReadOwnMark());
  for (StoredPart& stored : parts) {
    found.complete_until = std::max(found.complete_until, stored.part.complete_until);
    found.parts.push_back(std::move(stored.part));
  }
  const std::vector<std::string> problems = CheckRanges(found.parts);
  if (problems.empty()) return found;
  return CorruptStateError(problems.front() + "; put the missing manifests back");
}

Status PartStore::RemoveStagedMarks(const std::vector<std::string>& staged) {
  const std::string own = MarkName(options_.collection, options_.partition) + ".";
  for (const std::string& name : staged) {
    if (name.substr(0, own.size()) != own) continue;
    WINNOW_RETURN_IF_ERROR(files_.Remove(JoinPath(staging_, name)));
  }
  return {};
}

// Before the manifests: a writer whose shard is gone cannot commit it any more, so that what its
// manifest then says is final.
Status PartStore::RemoveStagedShards(const std::vector<std::string>& staged) {
  for (const std::string& name : staged) {
    if (EndsWith(name, kJson)) continue;
    WINNOW_RETURN_IF_ERROR(files_.Remove(JoinPath(staging_, name)));
  }
  return {};
}

Status PartStore::FinishStagedManifest(const std::string& staged) {
  const std::string path = JoinPath(staging_, staged);
  const std::string shard_name = ShardOf(staged);
  WINNOW_ASSIGN_OR_RETURN(const bool committed, IsCommitted(path, shard_name));
  if (!committed) return files_.Remove(path);
  WINNOW_RETURN_IF_ERROR(files_.SyncDirectory(shards_));
  return MoveManifest(path, JoinPath(parts_, shard_name + std::string(kJson)));
}

// Whether this manifest, of several writers', is that of the shard that was published.
Result<bool> PartStore::IsCommitted(const std::string& staged_path,
                                    const std::string& shard_name) {
  const std::string shard_path = JoinPath(shards_, shard_name);
  WINNOW_ASSIGN_OR_RETURN(const auto size, files_.Size(shard_path));
  if (!size) return false;
  WINNOW_ASSIGN_OR_RETURN(const auto text, ReadSmallFile(files_, staged_path));
  // Half-written: it was never synced, so its shard was never published.
  const Result<Part> part = text ? ParsePart(*text, staged_path) : ParsePart("", staged_path);
  if (!part || part->shard.name != shard_name || part->shard.bytes != *size) return false;
  Sha256Hasher hasher;
  WINNOW_RETURN_IF_ERROR(files_.Read(
      shard_path, *size, [&](std::string_view piece) { hasher.Update(piece); }));
  return ToHex(hasher.Finish()) == part->shard.sha256;
}

Status PartStore::CheckStrangers(const std::vector<std::string>& shards) const {
  for (const std::string& name : shards) {
    const std::string manifest = JoinPath(parts_, name + std::string(kJson));
    WINNOW_ASSIGN_OR_RETURN(const auto size, files_.Size(manifest));
    if (size) continue;
    return CorruptStateError(fmt::format(
        "{} exists but no {} says which offsets it covers; put that back or move the shard away",
        JoinPath(shards_, name), manifest));
  }
  return {};
}

Status PartStore::CheckOrigin(const std::string& path, const std::string& topic) const {
  if (topic == options_.topic) return {};
  return CorruptStateError(fmt::format(
      "{} is of topic {}, this sink reads {}; use another output directory", path, topic,
      options_.topic));
}

Result<std::vector<StoredPart>> PartStore::ReadOwn() {
  WINNOW_ASSIGN_OR_RETURN(auto names, files_.List(parts_));
  std::erase_if(names, [this](const std::string& name) {
    return !IsOfPartition(name, options_.collection, options_.partition);
  });
  std::vector<StoredPart> parts;
  for (const PartFiles& found : FindParts(names)) {
    WINNOW_ASSIGN_OR_RETURN(StoredPart stored, ReadPart(files_, parts_, found));
    WINNOW_RETURN_IF_ERROR(
        CheckOrigin(JoinPath(parts_, found.shard + std::string(kJson)), stored.part.topic));
    WINNOW_RETURN_IF_ERROR(CheckShares(stored.part));
    parts.push_back(std::move(stored));
  }
  return parts;
}

Status PartStore::CheckShares(const Part& part) const {
  if (options_.splits.empty() || part.splits.empty() || part.splits == options_.splits) return {};
  return ConfigError(fmt::format(
      "output.splits is not what {} was begun with: put the old shares back or use another output "
      "directory",
      options_.directory));
}

// 0: there is none.
Result<std::int64_t> PartStore::ReadOwnMark() {
  const std::string path =
      JoinPath(parts_, MarkName(options_.collection, options_.partition));
  WINNOW_ASSIGN_OR_RETURN(const auto text, ReadSmallFile(files_, path));
  if (!text) return 0;
  WINNOW_ASSIGN_OR_RETURN(const Mark mark, ParseMark(*text, path));
  WINNOW_RETURN_IF_ERROR(CheckOrigin(path, mark.topic));
  return mark.complete_until;
}

// ---- publishing ----------------------------------------------------------------------------

// Where links stand in for renames (NFS), one that failed may have been made: the manifest of a
// shard that is there stays for the next Recover.
Error PartStore::TakenOver(const Part& part) {
  const std::string path = StagedPath(part.shard.name);
  const std::string manifest = path + std::string(kJson);
  const Result<bool> committed = IsCommitted(manifest, part.shard.name);
  Status removed = files_.Remove(path);
  if (removed && committed && !*committed) removed = files_.Remove(manifest);
  return UnavailableError(fmt::format(
      "another writer has taken over partition {}: {} is published or given up{}", part.partition,
      part.shard.name, removed ? "" : "; what this one has staged is still there"));
}

Status PartStore::Publish(const Part& part) {
  const std::string manifest = StagedPath(part.shard.name) + std::string(kJson);
  WINNOW_RETURN_IF_ERROR(WriteStaged(files_, manifest, FormatPart(part)));
  WINNOW_RETURN_IF_ERROR(files_.SyncDirectory(staging_));
  WINNOW_RETURN_IF_ERROR(MoveIntoShards(part));
  WINNOW_RETURN_IF_ERROR(files_.SyncDirectory(shards_));
  WINNOW_RETURN_IF_ERROR(
      MoveManifest(manifest, JoinPath(parts_, part.shard.name + std::string(kJson))));
  WINNOW_RETURN_IF_ERROR(CheckOwn(part));
  WINNOW_RETURN_IF_ERROR(files_.SyncDirectory(parts_));
  return files_.SyncDirectory(staging_);
}

// The commit: it fails if the range is published, and if a successor has removed the staged file.
Status PartStore::MoveIntoShards(const Part& part) {
  const std::string from = StagedPath(part.shard.name);
  const auto outcome = files_.RenameNoReplace(from, JoinPath(shards_, part.shard.name));
  if (outcome && *outcome == RenameOutcome::kRenamed) return {};
  if (outcome) return TakenOver(part);
  const auto size = files_.Size(from);
  if (size && !*size) return TakenOver(part);
  return outcome.error();
}

// A successor may finish a publication at the same time.
Status PartStore::MoveManifest(const std::string& from, const std::string& to) {
  const auto outcome = files_.RenameNoReplace(from, to);
  if (outcome && *outcome == RenameOutcome::kRenamed) return {};
  if (outcome) return files_.Remove(from);
  const auto size = files_.Size(to);
  if (size && *size) return {};
  return outcome.error();
}

// Two writers can have staged equal shards for ranges that end at different offsets; which end
// holds is for the manifest that got its name to say.
Status PartStore::CheckOwn(const Part& part) {
  const std::string path = JoinPath(parts_, part.shard.name + std::string(kJson));
  WINNOW_ASSIGN_OR_RETURN(const auto text, ReadSmallFile(files_, path));
  if (text == FormatPart(part)) return {};
  return UnavailableError(fmt::format(
      "another writer has taken over partition {}: {} is its", part.partition, path));
}

Status PartStore::WriteMark(std::int64_t complete_until) {
  const std::string name = MarkName(options_.collection, options_.partition);
  const std::string staged = JoinPath(staging_, name + "." + options_.writer);
  WINNOW_RETURN_IF_ERROR(
      WriteStaged(files_, staged,
                  FormatMark({options_.topic, options_.partition, complete_until})));
  WINNOW_RETURN_IF_ERROR(files_.Replace(staged, JoinPath(parts_, name)));
  return files_.SyncDirectory(parts_);
}

}  // namespace winnow::dataset
