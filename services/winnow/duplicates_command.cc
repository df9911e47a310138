#include "services/winnow/duplicates_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <map>
#include <memory>
#include <optional>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "libs/base/utf8.h"
#include "libs/dataset/contact_sheet.h"
#include "libs/dataset/files.h"
#include "libs/ingest/folder_source.h"
#include "libs/local/ledger.h"
#include "libs/service/models.h"
#include "libs/spec/spec.h"
#include "libs/state/rocksdb_store.h"
#include "services/privacy-blurrer/factory.h"
#include "services/winnow/pictures.h"
#include "services/winnow/wiring.h"
#include "services/winnow/workspace.h"

namespace winnow::cli {
namespace {

using record::ImageRecord;

struct Prepared {
  spec::CollectionSpec spec;
  std::unique_ptr<ingest::FolderSource> source;
  stream::ProcessorFactory make_blurrer;
  std::unique_ptr<state::StateStore> store;
  std::size_t threads = 1;
};

Result<Prepared> Prepare(const DuplicatesOptions& options) {
  Prepared prepared;
  WINNOW_ASSIGN_OR_RETURN(prepared.spec, spec::Load(options.spec));
  const std::string state = options.state.empty() ? DefaultState(options.output) : options.state;
  WINNOW_RETURN_IF_ERROR(CheckState(dataset::PosixFiles(), prepared.spec, state));
  WINNOW_ASSIGN_OR_RETURN(prepared.source,
                          ingest::OpenFolder(FolderOptionsFor(prepared.spec, options.input)));
  WINNOW_ASSIGN_OR_RETURN(
      prepared.make_blurrer,
      privacy::NewBlurrerFactory(prepared.spec, service::FindModelDirectory(options.models)));
  WINNOW_ASSIGN_OR_RETURN(prepared.store,
                          state::OpenRocksDb({.directory = dataset::JoinPath(state, "db"),
                                              .families = {std::string(local::kLedgerFamily)},
                                              .mode = state::OpenMode::kReadOnly}));
  prepared.threads = options.threads > 0 ? options.threads
                                         : std::max(1u, std::thread::hardware_concurrency());
  return prepared;
}

std::string KeptAre(const spec::DedupPolicy& policy) {
  switch (policy.keep) {
    case spec::Keep::kFirst: return "the first one is kept";
    case spec::Keep::kBest: return "a clearly better copy takes the place of earlier ones";
    case spec::Keep::kBestOfBurst:
      return fmt::format("of what one camera takes within {:g} s the best one is kept",
                         policy.burst_seconds);
  }
  return {};
}

std::string_view TurnsOf(const spec::DedupPolicy& policy) {
  if (policy.mirrored && policy.rotated) return ", mirrored or rotated, too";
  if (policy.mirrored) return ", mirrored, too";
  return policy.rotated ? ", rotated, too" : "";
}

std::string PolicyText(const spec::DedupPolicy& policy) {
  return fmt::format("Images are look-alikes within {} of 256 bits{}, from fingerprint quality {}; "
                     "{}.",
                     policy.max_distance, TurnsOf(policy), policy.min_quality, KeptAre(policy));
}

std::string TurnText(record::Turn turn) {
  if (turn == record::Turn::kNone) return {};
  std::string text(record::Name(turn));
  std::replace(text.begin(), text.end(), '_', ' ');
  return text;
}

// "+1.25 s, sharpness 0.42".
std::string NoteOn(const ImageRecord& record, const std::optional<Timestamp>& since) {
  std::string note;
  if (since && record.captured_at) {
    note = fmt::format("{:+.2f} s",
                       std::chrono::duration<double>(*record.captured_at - *since).count());
  }
  if (record.measurements) {
    note += fmt::format("{}sharpness {:.2f}", note.empty() ? "" : ", ",
                        record.measurements->sharpness);
  }
  return note;
}

// The records that the sheet shows and, once loaded, their pictures.
class Shown {
 public:
  explicit Shown(const local::Ledger& ledger) : ledger_(ledger) {}

  Status Want(const RecordId& id) {
    if (records_.contains(id)) return {};
    WINNOW_ASSIGN_OR_RETURN(std::optional<ImageRecord> record, ledger_.Find(id));
    if (record) records_.emplace(id, std::move(*record));
    return {};
  }

  // Names it, without a picture.
  Status Mention(const RecordId& id) {
    if (names_.contains(id)) return {};
    WINNOW_ASSIGN_OR_RETURN(const std::optional<ImageRecord> record, ledger_.Find(id));
    names_.emplace(id, record ? record->source.path : id.value());
    return {};
  }

  Status LoadPictures(const Prepared& prepared) {
    std::vector<const ImageRecord*> records;
    for (const auto& [id, record] : records_) records.push_back(&record);
    WINNOW_ASSIGN_OR_RETURN(std::vector<std::string> pictures,
                            RedactedThumbnails(records, *prepared.source, prepared.make_blurrer,
                                               prepared.threads));
    for (std::size_t i = 0; i < records.size(); ++i) {
      pictures_[records[i]->id] = std::move(pictures[i]);
    }
    return {};
  }

  const std::string& NameOf(const RecordId& id) const { return names_.at(id); }

  // Null where the ledger does not know it.
  const ImageRecord* Find(const RecordId& id) const {
    const auto record = records_.find(id);
    return record == records_.end() ? nullptr : &record->second;
  }

  dataset::Thumbnail Thumbnail(const RecordId& id, const std::optional<Timestamp>& since) const {
    const ImageRecord* record = Find(id);
    if (record == nullptr) return {"", id.value(), "not in the ledger"};
    return {pictures_.at(id), record->source.path, NoteOn(*record, since)};
  }

 private:
  const local::Ledger& ledger_;
  std::map<RecordId, ImageRecord> records_;
  std::map<RecordId, std::string> names_;
  std::map<RecordId, std::string> pictures_;
};

Status WantAll(const std::vector<DuplicateGroup>& groups, Shown& shown) {
  for (const DuplicateGroup& group : groups) {
    WINNOW_RETURN_IF_ERROR(shown.Want(group.kept));
    for (const GoneImage& gone : group.gone) {
      WINNOW_RETURN_IF_ERROR(shown.Want(gone.id));
      WINNOW_RETURN_IF_ERROR(shown.Mention(gone.against));
    }
  }
  return {};
}

dataset::SheetGroup Show(const DuplicateGroup& group, const Shown& shown) {
  const ImageRecord* kept = shown.Find(group.kept);
  const std::optional<Timestamp> since = kept == nullptr ? std::nullopt : kept->captured_at;
  dataset::SheetGroup sheet{shown.Thumbnail(group.kept, std::nullopt), {}, group.not_shown};
  for (const GoneImage& gone : group.gone) {
    const bool of_another = gone.against != group.kept;
    sheet.dropped.push_back({shown.Thumbnail(gone.id, since), gone.kind, gone.distance,
                             TurnText(gone.turn), of_another ? shown.NameOf(gone.against) : ""});
  }
  return sheet;
}

Result<dataset::ContactSheet> MakeSheet(const Prepared& prepared, const GroupLimits& limits) {
  const auto view = state::ViewOf(*prepared.store, std::string(local::kLedgerFamily));
  const local::Ledger ledger(*view);
  DuplicateGroups groups;
  WINNOW_RETURN_IF_ERROR(ledger.ForEach([&](const ImageRecord& record) {
    groups.Add(record);
    return true;
  }));
  const DuplicateGroups::Chosen chosen = groups.Choose(limits);
  Shown shown(ledger);
  WINNOW_RETURN_IF_ERROR(WantAll(chosen.groups, shown));
  WINNOW_RETURN_IF_ERROR(shown.LoadPictures(prepared));

  dataset::ContactSheet sheet;
  sheet.collection = prepared.spec.collection.value();
  sheet.policy = PolicyText(prepared.spec.dedup);
  sheet.sources = groups.Sources();
  for (const DuplicateGroup& group : chosen.groups) sheet.groups.push_back(Show(group, shown));
  sheet.groups_not_shown = chosen.not_shown;
  sheet.version = WINNOW_VERSION;
  return sheet;
}

// Label files may name a source anything; a terminal obeys some of that.
std::string ForTerminal(const std::string& name) {
  std::string text = ToUtf8(name);
  for (char& c : text) {
    if ((c >= 0 && c < ' ') || c == '\x7F') c = '?';
  }
  return text;
}

std::string Table(const std::vector<dataset::SourceFigures>& sources) {
  std::string text =
      fmt::format("{:<34}{:>9}{:>9}{:>13}{:>12}{:>10}{:>8}\n", "source", "images", "kept",
                  "look-alikes", "same bytes", "replaced", "other");
  for (const dataset::SourceFigures& source : sources) {
    text += fmt::format("{:<34}{:>9}{:>9}{:>13}{:>12}{:>10}{:>8}\n",
                        ForTerminal(source.source), source.received, source.kept,
                        source.look_alikes, source.same_bytes, source.superseded,
                        source.otherwise);
  }
  return text;
}

Status Run(const DuplicatesOptions& options) {
  WINNOW_ASSIGN_OR_RETURN(const Prepared prepared, Prepare(options));
  WINNOW_ASSIGN_OR_RETURN(const dataset::ContactSheet sheet, MakeSheet(prepared, options.limits));
  WINNOW_RETURN_IF_ERROR(dataset::WriteFileAtomically(dataset::PosixFiles(), options.html,
                                                      dataset::RenderContactSheet(sheet)));
  fmt::print("{}", Table(sheet.sources));
  return {};
}

}  // namespace

ExitCode DuplicatesCommand(const DuplicatesOptions& options) {
  const Status done = Run(options);
  if (done) return ExitCode::kOk;
  fmt::print(stderr, "winnow: {}\n", done.error().message);
  return ExitCodeFor(done.error().code);
}

}  // namespace winnow::cli
