// The commands that talk to Kafka, on the command line.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>

#include "services/winnow/exit_code.h"

namespace winnow::cli {

// Owns what the options are parsed into: keep it until the app has run.
class KafkaCommands {
 public:
  // Adds topics, ingest, replay, audit, state and status to `app`; the one that runs sets `result`.
  // Both must outlive this.
  KafkaCommands(CLI::App& app, ExitCode& result);
  ~KafkaCommands();
  KafkaCommands(const KafkaCommands&) = delete;
  KafkaCommands& operator=(const KafkaCommands&) = delete;

 private:
  struct Options;
  std::unique_ptr<Options> options_;
};

}  // namespace winnow::cli
