#include "services/winnow/finish.h"

#include <map>
#include <utility>

#include "libs/dataset/manifest.h"
#include "libs/dataset/rejected.h"
#include "libs/dataset/report.h"
#include "libs/dataset/shard_output.h"
#include "libs/local/ledger.h"
#include "services/winnow/duplicate_groups.h"
#include "services/winnow/pictures.h"
#include "services/winnow/tally.h"

namespace winnow::cli {
namespace {

using record::Disposition;
using record::ImageRecord;

constexpr std::string_view kReportName = "report.html";

// Fills the tally and writes the rejects, in one pass.
Result<Tally> ReadLedger(const FinishedRun& run, const local::Ledger& ledger) {
  Tally tally(run.spec);
  WINNOW_ASSIGN_OR_RETURN(
      auto rejected, dataset::RejectedWriter::Create(run.workspace.output, dataset::PosixFiles()));
  Status written;
  WINNOW_RETURN_IF_ERROR(ledger.ForEach([&](const ImageRecord& record) {
    tally.Add(record);
    const Disposition end = record.history.back().disposition;
    if (end == Disposition::kRejected || end == Disposition::kReview) {
      written = rejected.Add(record);
    }
    return written.has_value();
  }));
  WINNOW_RETURN_IF_ERROR(written);
  WINNOW_RETURN_IF_ERROR(rejected.Finish());
  return tally;
}

Result<dataset::Manifest> MakeManifest(const FinishedRun& run, const Tally& tally) {
  dataset::Manifest manifest;
  manifest.collection = run.spec.collection.value();
  manifest.spec_digest = run.spec.digest;
  if (!tally.face_model_digest().empty()) {
    manifest.models = {{run.spec.privacy.face_model, tally.face_model_digest()}};
  }
  manifest.totals = {.received = run.totals.Received(),
                     .stored = run.totals.Ended(Disposition::kStored),
                     .rejected = run.totals.Ended(Disposition::kRejected),
                     .review = run.totals.Ended(Disposition::kReview),
                     .deferred = run.totals.Ended(Disposition::kDeferred)};
  manifest.class_counts = tally.class_counts();
  const auto output = state::ViewOf(run.store, std::string(stream::kOutputFamily));
  WINNOW_ASSIGN_OR_RETURN(manifest.shards, dataset::ReadShards(*output));
  for (const dataset::Shard& shard : manifest.shards) {
    manifest.splits[shard.split] += shard.samples;
  }
  return manifest;
}

std::vector<dataset::StageCount> StageCounts(const FinishedRun& run) {
  std::vector<dataset::StageCount> counts;
  for (const local::StagePlan& stage : run.stages) {
    counts.push_back({.stage = stage.name,
                      .received = run.totals.Received(stage.name),
                      .forwarded = run.totals.Of(stage.name, Disposition::kForwarded) +
                                   run.totals.Of(stage.name, Disposition::kStored),
                      .rejected = run.totals.Of(stage.name, Disposition::kRejected),
                      .review = run.totals.Of(stage.name, Disposition::kReview),
                      .deferred = run.totals.Of(stage.name, Disposition::kDeferred)});
  }
  return counts;
}

// Collects records to show, and later hands each its picture.
class Gallery {
 public:
  void Want(const ImageRecord& record) { wanted_.try_emplace(record.id, record); }

  Status Load(const FinishedRun& run) {
    std::vector<const ImageRecord*> records;
    for (const auto& [id, record] : wanted_) records.push_back(&record);
    WINNOW_ASSIGN_OR_RETURN(std::vector<std::string> pictures,
                            RedactedThumbnails(records, run.source, BlurrerOf(run.stages),
                                               run.threads));
    for (std::size_t i = 0; i < records.size(); ++i) {
      pictures_[records[i]->id] = std::move(pictures[i]);
    }
    return {};
  }

  dataset::Thumbnail Show(const ImageRecord& record) const {
    const std::string detail = record.history.empty() ? "" : record.history.back().detail;
    return {pictures_.at(record.id), record.source.path, detail};
  }

 private:
  static const stream::ProcessorFactory& BlurrerOf(const std::vector<local::StagePlan>& stages) {
    return std::find_if(stages.begin(), stages.end(), [](const local::StagePlan& stage) {
             return stage.name == "privacy-blurrer";
           })->factory;
  }

  std::map<RecordId, ImageRecord> wanted_;
  std::map<RecordId, std::string> pictures_;
};

struct Twins {
  ImageRecord dropped;
  ImageRecord kept;
  int distance = 0;
  bool exact = false;
};

Result<std::vector<Twins>> FindTwins(const Tally& tally, const local::Ledger& ledger) {
  std::vector<Twins> twins;
  for (const auto& [id, dropped] : tally.duplicate_sample().records()) {
    if (!dropped.duplicate) continue;
    WINNOW_ASSIGN_OR_RETURN(std::optional<ImageRecord> kept, ledger.Find(dropped.duplicate->of));
    if (!kept) continue;
    twins.push_back({dropped, std::move(*kept), dropped.duplicate->distance,
                     dropped.duplicate->exact});
  }
  for (const auto& [id, kept] : tally.replacement_sample().records()) {
    WINNOW_ASSIGN_OR_RETURN(std::optional<ImageRecord> dropped,
                            ledger.Find(kept.duplicate->replaces.front()));
    if (!dropped) continue;
    twins.push_back({std::move(*dropped), kept, DistanceToReplaced(kept).value_or(0), false});
  }
  return twins;
}

Status FillPictures(const FinishedRun& run, const Tally& tally, const local::Ledger& ledger,
                    dataset::ReportInput& report) {
  Gallery gallery;
  WINNOW_ASSIGN_OR_RETURN(const std::vector<Twins> twins, FindTwins(tally, ledger));
  for (const auto& [reason, sample] : tally.refused()) {
    for (const auto& [id, record] : sample.records()) gallery.Want(record);
  }
  for (const auto& [id, record] : tally.stored_sample().records()) gallery.Want(record);
  for (const Twins& pair : twins) {
    gallery.Want(pair.dropped);
    gallery.Want(pair.kept);
  }
  WINNOW_RETURN_IF_ERROR(gallery.Load(run));

  for (dataset::ReasonCount& reason : report.reasons) {
    for (const auto& [id, record] : tally.refused().at(reason.reason).records()) {
      reason.examples.push_back(gallery.Show(record));
    }
  }
  for (const auto& [id, record] : tally.stored_sample().records()) {
    report.stored_examples.push_back(gallery.Show(record));
  }
  for (const Twins& pair : twins) {
    report.pairs.push_back(
        {gallery.Show(pair.kept), gallery.Show(pair.dropped), pair.distance, pair.exact});
  }
  return {};
}

// The manifest is written last: if it says what we would write, the report is there too.
bool IsFinished(const FinishedRun& run, const dataset::Manifest& manifest) {
  const auto earlier = dataset::ReadManifest(run.workspace.output, dataset::PosixFiles());
  const auto report = dataset::PosixFiles().Size(run.workspace.Path(kReportName));
  return earlier && *earlier == manifest && report && *report;
}

}  // namespace

Status FinishDataset(const FinishedRun& run) {
  const auto view = state::ViewOf(run.store, std::string(local::kLedgerFamily));
  const local::Ledger ledger(*view);
  WINNOW_ASSIGN_OR_RETURN(const Tally tally, ReadLedger(run, ledger));

  dataset::ReportInput report;
  WINNOW_ASSIGN_OR_RETURN(report.manifest, MakeManifest(run, tally));
  if (IsFinished(run, report.manifest)) return {};
  report.objective = run.spec.objective.description;
  report.target_counts = run.spec.objective.target_counts;
  report.stages = StageCounts(run);
  report.reasons = tally.Reasons();
  report.axes = tally.Axes();
  report.duplicates = tally.duplicates();
  report.superseded = tally.superseded();
  report.histograms = tally.Histograms();
  report.privacy = tally.Privacy();
  report.version = WINNOW_VERSION;
  WINNOW_RETURN_IF_ERROR(FillPictures(run, tally, ledger, report));

  WINNOW_RETURN_IF_ERROR(dataset::WriteFileAtomically(
      dataset::PosixFiles(), run.workspace.Path(kReportName), dataset::RenderReport(report)));
  return dataset::WriteManifest(run.workspace.output, report.manifest, dataset::PosixFiles());
}

}  // namespace winnow::cli
