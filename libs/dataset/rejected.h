// rejected.jsonl: one line per image that was refused or needs a person, with why.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "libs/base/result.h"
#include "libs/dataset/files.h"
#include "libs/record/image_record.h"

namespace winnow::dataset {

inline constexpr const char* kRejectedName = "rejected.jsonl";

// Writes beside the final name and renames at the end, in memory that does not grow with the number
// of lines. Not thread-safe. `files` must outlive it.
class RejectedWriter {
 public:
  // An unfinished file of an earlier run is thrown away.
  static Result<RejectedWriter> Create(const std::string& directory, Files& files);

  // `record` as the runner keeps it: rejected or to be reviewed, without payload, the deciding
  // verdict last in its history (kBug otherwise). The order of lines is the order of calls.
  Status Add(const record::ImageRecord& record);

  // Makes the file visible and durable. Call once, at the end.
  Status Finish();

  std::uint64_t lines() const { return lines_; }

 private:
  RejectedWriter(Files& files, std::string path, std::unique_ptr<AppendFile> file);

  Files* files_;
  std::string path_;
  std::unique_ptr<AppendFile> file_;
  std::string buffer_;
  std::uint64_t lines_ = 0;
};

}  // namespace winnow::dataset
