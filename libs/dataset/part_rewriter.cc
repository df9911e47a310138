#include "libs/dataset/part_rewriter.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <utility>

#include "libs/dataset/rewrite_shard.h"
#include "libs/dataset/sample_json.h"

namespace winnow::dataset {
namespace {

constexpr std::string_view kTar = ".tar";
constexpr std::string_view kJson = ".json";

std::set<std::string> KeysOf(const std::set<std::string>& ids) {
  std::set<std::string> keys;
  for (const std::string& id : ids) keys.insert(SampleKey(RecordId(id)));
  return keys;
}

}  // namespace

// "SHARD.tar.r2.WRITER" and "SHARD.tar.r2.WRITER.json"; a part that is not published yet is staged
// as "SHARD.tar.WRITER" and "SHARD.tar.WRITER.json".
std::optional<StagedRewrite> ParseStagedRewrite(std::string_view file_name) {
  const std::size_t tar = file_name.find(kTar);
  if (tar == std::string_view::npos) return std::nullopt;
  StagedRewrite staged{std::string(file_name.substr(0, tar + kTar.size())), 0};
  std::string_view rest = file_name.substr(staged.shard.size());
  const bool is_manifest =
      rest.size() >= kJson.size() && rest.substr(rest.size() - kJson.size()) == kJson;
  if (is_manifest) rest.remove_suffix(kJson.size());
  if (rest.substr(0, 2) != ".r") return std::nullopt;
  rest.remove_prefix(2);
  const auto [end, fault] =
      std::from_chars(rest.data(), rest.data() + rest.size(), staged.generation);
  const bool has_writer = end != rest.data() + rest.size() && *end == '.';
  if (fault != std::errc() || !has_writer) return std::nullopt;
  return staged;
}

PartRewriter::PartRewriter(PartitionShardOptions options, Files& files)
    : options_(std::move(options)),
      files_(files),
      staging_(StagingDirectory(options_.directory)),
      shards_(ShardDirectory(options_.directory)),
      parts_(PartDirectory(options_.directory)) {}

std::string PartRewriter::StagedPath(const Rewrite& rewrite) const {
  return JoinPath(staging_,
                  fmt::format("{}.r{}.{}", rewrite.shard, rewrite.generation, rewrite.writer));
}

std::string PartRewriter::ManifestPath(const Rewrite& rewrite) const {
  return JoinPath(parts_, RewriteName(rewrite.shard, rewrite.generation));
}

Error PartRewriter::TakenOver(const std::string& shard) const {
  return UnavailableError(fmt::format(
      "another writer has taken over partition {}: it rewrites {}", options_.partition, shard));
}

Result<bool> PartRewriter::HasGeneration(const std::string& shard, int generation) {
  WINNOW_ASSIGN_OR_RETURN(const auto size,
                          files_.Size(JoinPath(parts_, RewriteName(shard, generation))));
  return size.has_value();
}

// ---- recovery ------------------------------------------------------------------------------

Status PartRewriter::Recover(const std::vector<StoredPart>& parts,
                             const std::vector<std::string>& staged) {
  for (const StoredPart& stored : parts) {
    if (!stored.rewrite) continue;
    WINNOW_RETURN_IF_ERROR(Finish(*stored.rewrite));
    WINNOW_RETURN_IF_ERROR(
        RemoveStaged(stored.rewrite->shard, stored.rewrite->generation, staged));
  }
  return {};
}

// What is of a later generation may be another writer's that is about to commit it. If that one is
// dead, what it was to take out is still to be taken out: then this generation will come.
Status PartRewriter::RemoveStaged(const std::string& shard, int generation,
                                  const std::vector<std::string>& staged) {
  bool removed = false;
  for (const std::string& name : staged) {
    const auto rewrite = ParseStagedRewrite(name);
    if (!rewrite || rewrite->shard != shard || rewrite->generation > generation) continue;
    WINNOW_RETURN_IF_ERROR(files_.Remove(JoinPath(staging_, name)));
    removed = true;
  }
  return removed ? files_.SyncDirectory(staging_) : Status();
}

// ---- taking out ----------------------------------------------------------------------------

Result<stream::TakenOut> PartRewriter::TakeOut(const std::string& shard, int generation,
                                               const std::set<std::string>& ids) {
  WINNOW_ASSIGN_OR_RETURN(const bool is_later, HasGeneration(shard, generation + 1));
  if (is_later) return TakenOver(shard);
  WINNOW_ASSIGN_OR_RETURN(const StoredPart stored, ReadPart(files_, parts_, {shard, generation}));
  stream::TakenOut taken_out;
  const auto rewrite = Stage(stored.part, ids, taken_out);
  if (!rewrite) RemoveOwn(shard, generation + 1);
  if (!rewrite && rewrite.error().code == ErrorCode::kCorruptState) {
    // The shard may be of a generation that another writer has committed meanwhile.
    WINNOW_ASSIGN_OR_RETURN(const bool other, HasGeneration(shard, generation + 1));
    if (other) return TakenOver(shard);
  }
  if (!rewrite) return rewrite.error();
  WINNOW_RETURN_IF_ERROR(Commit(*rewrite));
  WINNOW_RETURN_IF_ERROR(Finish(*rewrite));
  WINNOW_ASSIGN_OR_RETURN(const auto staged, files_.List(staging_));
  WINNOW_RETURN_IF_ERROR(RemoveStaged(shard, rewrite->generation, staged));
  return taken_out;
}

// What was staged and cannot be committed: nobody else removes it before that generation is there,
// and a disk that was full for it stays full. What cannot be removed stays until then.
void PartRewriter::RemoveOwn(const std::string& shard, int generation) {
  Rewrite own;
  own.shard = shard;
  own.generation = generation;
  own.writer = options_.writer;
  const std::string path = StagedPath(own);
  static_cast<void>(files_.Remove(path));
  static_cast<void>(files_.Remove(path + std::string(kJson)));
}

// Leaves shard and manifest of the next generation in staging, synced.
Result<Rewrite> PartRewriter::Stage(const Part& part, const std::set<std::string>& ids,
                                    stream::TakenOut& taken_out) {
  Rewrite rewrite;
  rewrite.shard = part.shard.name;
  rewrite.generation = part.generation + 1;
  rewrite.writer = options_.writer;
  rewrite.class_counts = part.class_counts;
  rewrite.superseded = part.superseded;
  rewrite.superseded.insert(rewrite.superseded.end(), ids.begin(), ids.end());
  const std::string path = StagedPath(rewrite);
  WINNOW_RETURN_IF_ERROR(files_.Remove(path));
  WINNOW_ASSIGN_OR_RETURN(
      const Shard shard,
      RewriteWithout(files_, part.shard, JoinPath(shards_, part.shard.name), path, KeysOf(ids),
                     [&](const std::string&, const std::string& json) {
                       Uncount(json, rewrite.class_counts, taken_out);
                     }));
  rewrite.samples = shard.samples;
  rewrite.bytes = shard.bytes;
  rewrite.sha256 = shard.sha256;
  WINNOW_RETURN_IF_ERROR(
      WriteStaged(files_, path + std::string(kJson), FormatRewrite(rewrite)));
  WINNOW_RETURN_IF_ERROR(files_.SyncDirectory(staging_));
  return rewrite;
}

// The name of a generation's manifest is never free again: whoever comes second comes too late for
// ever. Where links stand in for renames (NFS), one that failed may have been made, so what got the
// name is read.
Status PartRewriter::Commit(const Rewrite& rewrite) {
  const std::string staged = StagedPath(rewrite) + std::string(kJson);
  const std::string manifest = ManifestPath(rewrite);
  const auto outcome = files_.RenameNoReplace(staged, manifest);
  WINNOW_ASSIGN_OR_RETURN(const auto text, ReadSmallFile(files_, manifest));
  if (text == FormatRewrite(rewrite)) return {};
  if (!text && !outcome) {
    // Removed by who committed this generation; else the disk is at fault.
    WINNOW_ASSIGN_OR_RETURN(const auto size, files_.Size(staged));
    if (size) return outcome.error();
  }
  WINNOW_RETURN_IF_ERROR(files_.Remove(StagedPath(rewrite)));
  WINNOW_RETURN_IF_ERROR(files_.Remove(staged));
  return TakenOver(rewrite.shard);
}

// The staged shard that a manifest names is there once and is moved once, by whoever comes first.
// Its size tells which generation a shard is of: each is smaller than the one before.
Status PartRewriter::Finish(const Rewrite& rewrite) {
  const std::string from = StagedPath(rewrite);
  const std::string to = JoinPath(shards_, rewrite.shard);
  WINNOW_ASSIGN_OR_RETURN(const auto before, files_.Size(to));
  if (before == rewrite.bytes) return files_.Remove(from);
  // A shard must not outlive the manifest that tells of it.
  WINNOW_RETURN_IF_ERROR(files_.SyncDirectory(parts_));
  const Status moved = files_.Replace(from, to);
  WINNOW_ASSIGN_OR_RETURN(const auto after, files_.Size(to));
  if (after == rewrite.bytes) {
    WINNOW_RETURN_IF_ERROR(files_.SyncDirectory(shards_));
    return files_.SyncDirectory(staging_);
  }
  WINNOW_ASSIGN_OR_RETURN(const bool is_later,
                          HasGeneration(rewrite.shard, rewrite.generation + 1));
  if (is_later) return TakenOver(rewrite.shard);
  WINNOW_ASSIGN_OR_RETURN(const auto staged, files_.Size(from));
  if (staged && !moved) return moved;
  return CorruptStateError(fmt::format("{} has not the {} bytes that {} tells of; put the original "
                                       "back",
                                       to, rewrite.bytes, ManifestPath(rewrite)));
}

// ---- samples -------------------------------------------------------------------------------

std::set<std::string> LabelsOf(const std::string& sample_json) {
  std::set<std::string> labels;
  const auto json = nlohmann::json::parse(sample_json, nullptr, false);
  if (!json.is_object()) return labels;
  for (const auto& annotation : json.value("annotations", nlohmann::json::array())) {
    const auto label = annotation.is_object() ? annotation.find("label") : annotation.end();
    if (label != annotation.end() && label->is_string()) labels.insert(label->get<std::string>());
  }
  for (const auto& tag : json.value("tags", nlohmann::json::array())) {
    if (tag.is_string()) labels.insert(tag.get<std::string>());
  }
  return labels;
}

void Uncount(const std::string& sample_json, std::map<std::string, std::uint64_t>& class_counts,
             stream::TakenOut& taken_out) {
  ++taken_out.records;
  for (const std::string& label : LabelsOf(sample_json)) {
    ++taken_out.class_counts[label];
    const auto count = class_counts.find(label);
    if (count != class_counts.end() && --count->second == 0) class_counts.erase(count);
  }
}

Status WriteStaged(Files& files, const std::string& path, const std::string& text) {
  WINNOW_RETURN_IF_ERROR(files.Remove(path));
  WINNOW_ASSIGN_OR_RETURN(auto file, files.OpenAppend(path));
  WINNOW_RETURN_IF_ERROR(file->Append(text));
  return file->Sync();
}

}  // namespace winnow::dataset
