#include "services/winnow/manual_command.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <map>
#include <memory>
#include <string>

#include "libs/service/manual.h"
#include "services/winnow/completion.h"

namespace winnow::cli {
namespace {

using service::ManualSection;

ManualSection Examples() {
  return {"EXAMPLES",
          "",
          {{"winnow run spec.yaml --input PICTURES --output DATASET",
            "Makes a dataset of a folder, one subfolder per class; run again it goes on where it "
            "stopped"},
           {"winnow explain people/portrait.jpg --state DATASET/.winnow/state",
            "Tells why that image was taken or refused"},
           {"winnow topics apply /usr/share/winnow/topics.yaml --brokers HOST:9092",
            "Makes the topics that the services need"},
           {"winnow status --brokers HOST:9092",
            "Shows what flows, where it piles up and what is refused"}}};
}

ManualSection Files() {
  return {"FILES",
          "Relative to where Winnow is installed, such as /usr",
          {{"share/winnow/examples", "Collection specs to copy"},
           {"share/winnow/services", "Settings of the services, to copy"},
           {"share/winnow/topics.yaml", "The topics of a pipeline on Kafka"},
           {"share/winnow/models", "Detector models; another folder: --models, $WINNOW_MODEL_DIR"}}};
}

std::string ManualOf(const CLI::App& app) {
  return service::ManualPage(service::DescribeCommand(app),
                             {WINNOW_VERSION,
                              {Examples(), Files()},
                              {"winnow-validator(1)", "winnow-privacy-blurrer(1)",
                               "winnow-deduper(1)", "winnow-balancer(1)", "winnow-sink(1)"}});
}

}  // namespace

void AddManualCommands(CLI::App& app, ExitCode& result) {
  static const std::map<std::string, Shell> kShells = {
      {"bash", Shell::kBash}, {"fish", Shell::kFish}, {"zsh", Shell::kZsh}};
  auto* const completion =
      app.add_subcommand("completion", "Print the completion script of a shell");
  const auto shell = std::make_shared<std::string>();
  completion->add_option("SHELL", *shell, "Shell it is for")
      ->required()
      ->check(CLI::IsMember({"bash", "fish", "zsh"}));
  completion->callback([&app, &result, shell] {
    fmt::print("{}", CompletionScript(service::DescribeCommand(app), kShells.at(*shell)));
    result = ExitCode::kOk;
  });
  auto* const man = app.add_subcommand("man", "Print the manual page as roff");
  man->callback([&app, &result] {
    fmt::print("{}", ManualOf(app));
    result = ExitCode::kOk;
  });
}

}  // namespace winnow::cli
