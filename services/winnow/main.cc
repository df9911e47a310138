// The winnow command. Exit codes: services/winnow/exit_code.h.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <string>

#include <fmt/format.h>

#include "services/winnow/duplicates_command.h"
#include "services/winnow/eval_command.h"
#include "services/winnow/explain_command.h"
#include "services/winnow/kafka_commands.h"
#include "services/winnow/manual_command.h"
#include "services/winnow/run_command.h"
#include "services/winnow/spec_command.h"
#include "services/winnow/verify_command.h"

namespace {

using winnow::cli::ExitCode;

ExitCode RunExplain(const winnow::cli::ExplainOptions& options) {
  const auto story = winnow::cli::Explain(options);
  if (!story) {
    fmt::print(stderr, "winnow: {}\n", story.error().message);
    return winnow::cli::ExitCodeFor(story.error().code);
  }
  fmt::print("{}", *story);
  return ExitCode::kOk;
}

void AddRun(CLI::App& app, winnow::cli::RunCommandOptions& options, ExitCode& result) {
  auto* const run = app.add_subcommand("run", "Turn a folder of images into a dataset");
  run->add_option("SPEC", options.spec, "Collection spec, YAML")->required();
  run->add_option("--input", options.input, "Folder of images and their labels")->required();
  run->add_option("--output", options.output, "Folder for the dataset")->required();
  run->add_option("--state", options.state, "Folder for the state (default OUTPUT/.winnow/state)");
  run->add_option("--threads", options.threads, "Images worked on at once (default: all cores)")
      ->check(CLI::Range(0, 1024));
  run->add_option("--index-memory", options.index_memory,
                  "Memory of the index of fingerprints (default: 4GiB); beyond it is in files")
      ->transform(CLI::AsSizeValue(false));
  run->add_option("--models", options.models, "Folder of detector models");
  run->add_option("--summary", options.summary, "Also write the final counts to this file, JSON");
  run->callback([&] { result = winnow::cli::RunCommand(options); });
}

void AddSpec(CLI::App& app, std::string& file, ExitCode& result) {
  auto* const spec = app.add_subcommand("spec", "Check or explain a collection spec");
  spec->require_subcommand(1);
  auto* const check = spec->add_subcommand("check", "Name every mistake with its line and remedy");
  check->add_option("FILE", file, "Collection spec, YAML")->required();
  check->callback([&] { result = winnow::cli::CheckSpec(file); });
  auto* const describe =
      spec->add_subcommand("describe", "Print it with every default, unit and source");
  describe->add_option("FILE", file, "Collection spec, YAML")->required();
  describe->callback([&] { result = winnow::cli::DescribeSpec(file); });
}

void AddExplain(CLI::App& app, winnow::cli::ExplainOptions& options, ExitCode& result) {
  auto* const explain = app.add_subcommand("explain", "Tell why an image was taken or refused");
  explain->add_option("IMAGE", options.image, "Record id, or path within the input folder")
      ->required();
  explain->add_option("--state", options.state, "State folder of the run")->required();
  explain->callback([&] { result = RunExplain(options); });
}

void AddVerify(CLI::App& app, std::string& output, ExitCode& result) {
  auto* const verify =
      app.add_subcommand("verify", "Check a dataset against its manifest, byte for byte");
  verify->add_option("OUTPUT", output, "Folder of the dataset")->required();
  verify->callback([&] { result = winnow::cli::VerifyCommand(output); });
}

void AddDuplicates(CLI::App& app, winnow::cli::DuplicatesOptions& options, ExitCode& result) {
  auto* const duplicates = app.add_subcommand(
      "duplicates", "Show what a run dropped as duplicates, beside what it kept");
  duplicates->add_option("SPEC", options.spec, "Collection spec of the run, YAML")->required();
  duplicates->add_option("--input", options.input, "Folder of images of the run")->required();
  duplicates->add_option("--output", options.output, "Folder of its dataset")->required();
  duplicates->add_option("--html", options.html, "Write the page to this file")->required();
  duplicates->add_option("--state", options.state,
                         "Folder of its state (default OUTPUT/.winnow/state)");
  duplicates->add_option("--groups", options.limits.groups,
                         "Kept images to show, those with most dropped ones (default 100)")
      ->check(CLI::Range(1, 100000));
  duplicates->add_option("--of-a-group", options.limits.of_a_group,
                         "Dropped images to show of each (default 24)")
      ->check(CLI::Range(1, 10000));
  duplicates->add_option("--models", options.models, "Folder of detector models");
  duplicates->add_option("--threads", options.threads, "Images worked on at once")
      ->check(CLI::Range(0, 1024));
  duplicates->callback([&] { result = winnow::cli::DuplicatesCommand(options); });
}

void AddEval(CLI::App& app, winnow::cli::EvalDuplicatesOptions& options, ExitCode& result) {
  auto* const eval = app.add_subcommand("eval", "Measure Winnow on labelled pictures");
  eval->require_subcommand(1);
  auto* const duplicates = eval->add_subcommand(
      "duplicates", "Precision and recall of the deduper, on labelled copies and made ones");
  duplicates->add_option("--data", options.data, "Folder of sets, each with a manifest.json")
      ->required();
  duplicates->add_option("--set", options.sets,
                         "Name of a set (repeatable; default: all that label copies)");
  duplicates->add_option("--views", options.views,
                         "Set whose groups are views of one thing, not copies (repeatable)");
  duplicates->add_option("--spec", options.spec, "Collection spec with the thresholds, YAML");
  duplicates->add_option("--ladder", options.ladder,
                         "Also make copies of photographs, into this folder, and measure on them");
  duplicates->add_option("--originals", options.originals,
                         "Set to take those photographs from (repeatable)");
  duplicates->add_option("--count", options.count, "Photographs to take (default 60)")
      ->check(CLI::Range(1, 1000));
  duplicates->add_option("--json", options.json, "Also write everything to this file, JSON");
  duplicates->add_option("--html", options.html, "Also write a page with pictures to this file");
  duplicates->add_option("--models", options.models, "Folder of detector models, for --html");
  duplicates->add_option("--threads", options.threads, "Images worked on at once")
      ->check(CLI::Range(0, 1024));
  duplicates->callback([&] { result = winnow::cli::EvalDuplicates(options); });
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Winnow turns image streams into training-ready datasets", "winnow");
  app.require_subcommand(1);
  app.set_version_flag("--version", WINNOW_VERSION);
  app.footer(
      "Exit codes: 0 done, 1 trouble with disk, files or brokers (mend it, run again), 2 wrong\n"
      "arguments, spec or models (nothing was written), 3 state, dataset, topics or records not as\n"
      "they should be, 4 a defect in Winnow, 130 stopped (run again to go on).");
  ExitCode result = ExitCode::kOk;
  winnow::cli::RunCommandOptions run;
  winnow::cli::ExplainOptions explain;
  winnow::cli::DuplicatesOptions duplicates;
  winnow::cli::EvalDuplicatesOptions eval;
  std::string spec_file;
  std::string dataset;
  AddRun(app, run, result);
  AddSpec(app, spec_file, result);
  AddExplain(app, explain, result);
  AddVerify(app, dataset, result);
  AddDuplicates(app, duplicates, result);
  AddEval(app, eval, result);
  const winnow::cli::KafkaCommands kafka(app, result);
  winnow::cli::AddManualCommands(app, result);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : static_cast<int>(ExitCode::kUsage);
  }
  return static_cast<int>(result);
}
