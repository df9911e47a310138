// `winnow ingest`: feeds a folder of images into images.raw.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "services/winnow/connection.h"
#include "services/winnow/exit_code.h"

namespace winnow::cli {

enum class IngestMode { kOnce, kFollow };

struct IngestCommandOptions {
  ConnectionOptions connection;
  std::string spec;
  std::string input;
  std::string state;      // folder; empty: nothing is remembered
  std::string raw_blobs;  // folder of the raw zone's blob store; empty: none
  std::uint64_t inline_max_bytes = 900'000;
  std::uint64_t max_bytes_under_way = 64u << 20;
  IngestMode mode = IngestMode::kOnce;
  std::chrono::milliseconds every{2000};  // kFollow: from one look at the folder to the next
};

// Sends every image of the folder that the state does not know as sent. An entry is noted when the
// broker has it, so after a kill some are sent again, under the same record id, which the pipeline
// absorbs. Progress and errors on stderr, the final counts on stdout.
//
// kFollow looks at the folder again and again and sends what is new or changed, once it was the
// same at two looks; a signal ends it with kOk. A folder that cannot be read at the start is an error as
// it is for kOnce; later it is told and waited for.
ExitCode IngestCommand(const IngestCommandOptions& options);

}  // namespace winnow::cli
