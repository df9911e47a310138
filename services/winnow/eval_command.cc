#include "services/winnow/eval_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <thread>
#include <utility>

#include "libs/dataset/files.h"
#include "libs/eval/labelled_set.h"
#include "libs/eval/ladder.h"
#include "libs/eval/matching.h"
#include "libs/eval/report.h"
#include "libs/service/models.h"
#include "libs/spec/spec.h"
#include "services/privacy-blurrer/factory.h"
#include "services/winnow/eval_stream.h"
#include "services/winnow/pictures.h"

namespace winnow::cli {
namespace {

// Pairs to look at: of each set, and in all.
constexpr std::size_t kExamplesOfSet = 4;
constexpr std::size_t kExamples = 36;

bool Contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

struct Job {
  const EvalDuplicatesOptions& options;
  spec::CollectionSpec spec;
  std::size_t threads = 1;
  stream::ProcessorFactory make_blurrer;  // for pictures in the page; none without a page
};

Result<Job> Prepare(const EvalDuplicatesOptions& options) {
  Job job{options, {}, std::max(1u, std::thread::hardware_concurrency()), {}};
  if (options.threads > 0) job.threads = options.threads;
  if (!options.spec.empty()) {
    WINNOW_ASSIGN_OR_RETURN(job.spec, spec::Load(options.spec));
  }
  if (!options.ladder.empty() && options.originals.empty()) {
    return ConfigError("--ladder needs --originals: the sets to take photographs from");
  }
  if (!options.html.empty()) {
    WINNOW_ASSIGN_OR_RETURN(
        job.make_blurrer,
        privacy::NewBlurrerFactory(job.spec, service::FindModelDirectory(options.models)));
  }
  return job;
}

Result<std::vector<std::string>> FoldersOf(const Job& job) {
  const EvalDuplicatesOptions& options = job.options;
  std::vector<std::string> names = options.sets;
  if (names.empty()) {
    WINNOW_ASSIGN_OR_RETURN(names, eval::ListSets(options.data));
  }
  std::vector<std::string> folders;
  for (const std::string& name : names) folders.push_back(dataset::JoinPath(options.data, name));
  if (options.ladder.empty()) return folders;
  WINNOW_RETURN_IF_ERROR(eval::WriteLadder({.data = options.data,
                                            .sets = options.originals,
                                            .originals = options.count,
                                            .folder = options.ladder,
                                            .threads = job.threads}));
  folders.push_back(options.ladder);
  return folders;
}

// Both pictures of a pair, for the page.
struct Wanted {
  eval::ShownPair pair;
  const record::ImageRecord* a = nullptr;
  const record::ImageRecord* b = nullptr;
};

std::vector<Wanted> PairsOf(const eval::SetResult& result, const StreamedSet& streamed,
                            const std::vector<eval::PairOf>& pairs) {
  std::vector<Wanted> wanted;
  for (const eval::PairOf& pair : pairs) {
    const auto caption = [&](std::size_t i) {
      const eval::LabelledPicture& picture = result.set.pictures[i];
      return dataset::Thumbnail{"", picture.file, picture.transform + " " + picture.strength};
    };
    wanted.push_back({{result.set.name, pair.distance, caption(pair.a), caption(pair.b)},
                      &streamed.records[pair.a], &streamed.records[pair.b]});
  }
  return wanted;
}

// Pictures go into the page only through the blurrer.
Status LoadPictures(const Job& job, const eval::LabelledSet& set, std::vector<Wanted>& wanted) {
  std::vector<const record::ImageRecord*> records;
  for (const Wanted& pair : wanted) {
    records.push_back(pair.a);
    records.push_back(pair.b);
  }
  WINNOW_ASSIGN_OR_RETURN(
      std::vector<std::string> pictures,
      RedactedThumbnails(records, SetSource(set), job.make_blurrer, job.threads));
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    wanted[i].pair.a.jpeg = std::move(pictures[2 * i]);
    wanted[i].pair.b.jpeg = std::move(pictures[2 * i + 1]);
  }
  return {};
}

Status ShowPairs(const Job& job, const eval::SetResult& result, const StreamedSet& streamed,
                 eval::DuplicatesReport& report) {
  if (job.options.html.empty() || result.views) return {};
  for (auto& [shown, pairs] : {std::pair(&report.wrong, &result.matched.wrong),
                               {&report.missed, &result.matched.missed}}) {
    std::vector<Wanted> wanted = PairsOf(result, streamed, *pairs);
    wanted.resize(std::min(wanted.size(), kExamples - std::min(kExamples, shown->size())));
    WINNOW_RETURN_IF_ERROR(LoadPictures(job, result.set, wanted));
    for (Wanted& pair : wanted) shown->push_back(std::move(pair.pair));
  }
  return {};
}

Status Evaluate(const Job& job, eval::LabelledSet set, eval::DuplicatesReport& report) {
  const spec::DedupPolicy& policy = job.spec.dedup;
  WINNOW_ASSIGN_OR_RETURN(StreamedSet streamed, StreamSet(set, policy, job.threads));
  eval::SetResult result;
  result.views = Contains(job.options.views, std::filesystem::path(set.folder).filename());
  result.matched = eval::MatchAll(set, streamed.fingerprints, policy, kExamplesOfSet);
  result.transforms = eval::MatchByTransform(set, streamed.fingerprints, policy);
  result.stream = eval::ScoreStream(set, streamed.fates);
  result.set = std::move(set);
  WINNOW_RETURN_IF_ERROR(ShowPairs(job, result, streamed, report));
  result.fingerprints = std::move(streamed.fingerprints);
  report.sets.push_back(std::move(result));
  return {};
}

Status WriteIfAsked(const std::string& path, const std::string& text) {
  if (path.empty()) return {};
  return dataset::WriteFileAtomically(dataset::PosixFiles(), path, text);
}

Status Run(const EvalDuplicatesOptions& options) {
  WINNOW_ASSIGN_OR_RETURN(const Job job, Prepare(options));
  WINNOW_ASSIGN_OR_RETURN(const std::vector<std::string> folders, FoldersOf(job));
  eval::DuplicatesReport report;
  report.version = WINNOW_VERSION;
  report.policy = job.spec.dedup;
  for (const std::string& folder : folders) {
    WINNOW_ASSIGN_OR_RETURN(std::vector<eval::LabelledSet> sets, eval::ReadLabelledSet(folder));
    for (eval::LabelledSet& set : sets) {
      WINNOW_RETURN_IF_ERROR(Evaluate(job, std::move(set), report));
    }
  }
  if (report.sets.empty()) {
    return ConfigError("no set in " + options.data + " says which pictures are copies");
  }
  WINNOW_RETURN_IF_ERROR(WriteIfAsked(options.json, eval::RenderJson(report)));
  if (!options.html.empty()) {
    WINNOW_RETURN_IF_ERROR(WriteIfAsked(options.html, eval::RenderHtml(report)));
  }
  fmt::print("{}", eval::RenderText(report));
  return {};
}

}  // namespace

ExitCode EvalDuplicates(const EvalDuplicatesOptions& options) {
  const Status done = Run(options);
  if (done) return ExitCode::kOk;
  fmt::print(stderr, "winnow: {}\n", done.error().message);
  return ExitCodeFor(done.error().code);
}

}  // namespace winnow::cli
