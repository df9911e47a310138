#include "services/winnow/explain_command.h"

#include <fmt/format.h>

#include "libs/dataset/files.h"
#include "libs/local/ledger.h"
#include "libs/state/rocksdb_store.h"

namespace winnow::cli {
namespace {

using record::ImageRecord;
using record::StageVerdict;

// "sharpness 0.21 (min_sharpness 0.3)": figures and limits have their own names; both are shown.
std::string Figures(const StageVerdict& verdict) {
  std::string lines;
  for (const auto& [name, value] : verdict.scores) {
    lines += fmt::format("      {:<24} {:.6g}\n", name, value);
  }
  for (const auto& [name, value] : verdict.thresholds) {
    lines += fmt::format("      {:<24} {:.6g}  (limit)\n", name, value);
  }
  return lines;
}

std::string Tell(const StageVerdict& verdict) {
  std::string text = fmt::format("  {:<16} {}", verdict.stage, record::Name(verdict.disposition));
  if (verdict.reason != record::Reason::kNone) {
    text += fmt::format(": {}", record::Name(verdict.reason));
  }
  text += "\n";
  if (!verdict.detail.empty()) text += fmt::format("    {}\n", verdict.detail);
  if (verdict.reason != record::Reason::kNone) {
    text += fmt::format("    {}\n", record::Explain(verdict.reason));
  }
  return text + Figures(verdict);
}

}  // namespace

std::string TellStory(const ImageRecord& record) {
  std::string text = fmt::format("{}  {}\n", record.id.value(), record.source.path);
  for (const StageVerdict& verdict : record.history) text += Tell(verdict);
  if (record.placement) {
    text += fmt::format("  in {} as {} (split {})\n", record.placement->shard,
                        record.placement->key, record.placement->split);
  }
  return text;
}

Result<ImageRecord> FindRecord(const std::string& image, const std::string& state) {
  WINNOW_ASSIGN_OR_RETURN(
      const auto store,
      state::OpenRocksDb({.directory = dataset::JoinPath(state, "db"),
                          .families = {std::string(local::kLedgerFamily)},
                          .mode = state::OpenMode::kReadOnly}));
  const auto view = state::ViewOf(*store, std::string(local::kLedgerFamily));
  const local::Ledger ledger(*view);
  WINNOW_ASSIGN_OR_RETURN(std::optional<ImageRecord> record,
                          ledger.Find(RecordId(image)));
  if (!record) {
    WINNOW_ASSIGN_OR_RETURN(record, ledger.FindByName(image));
  }
  if (!record) {
    return ConfigError(fmt::format(
        "the state in {} knows no image '{}'; give the id from rejected.jsonl or a sample's JSON, "
        "or the path within the input folder",
        state, image));
  }
  return std::move(*record);
}

Result<std::string> Explain(const ExplainOptions& options) {
  WINNOW_ASSIGN_OR_RETURN(const ImageRecord record, FindRecord(options.image, options.state));
  return TellStory(record);
}

}  // namespace winnow::cli
