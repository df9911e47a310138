// Where records come from.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "libs/base/result.h"
#include "libs/record/image_record.h"

namespace winnow::stream {

// One image not yet read.
struct SourceEntry {
  std::string name;         // unique and stable within the source: the runner remembers it as done
  std::string version;      // changes when the content does (size and mtime, ETag ...)
  std::uint64_t bytes = 0;  // size to reserve before loading
  // Entries with the same non-empty key are processed in order, one at a time: the source id of a
  // camera. Empty where no entry is before another: folders, feeds, uploads.
  std::string order_key = {};
};

// Lists entries in an order that does not depend on time or thread count.
class Source {
 public:
  virtual ~Source() = default;

  // The next entry, or nullopt at the end. Cheap: reads no image. Called from one thread.
  virtual Result<std::optional<SourceEntry>> Next() = 0;

  // Entries Next will give in all, for progress; nullopt if unknown.
  virtual std::optional<std::uint64_t> Count() const { return std::nullopt; }

  // Reads the image and its labels. Thread-safe, called once per entry from any lane. A file that
  // cannot be read or labels that cannot be parsed are told in ImageRecord::source_fault, not as
  // an Error: one bad file never ends a run.
  virtual Result<record::ImageRecord> Load(const SourceEntry& entry) const = 0;
};

}  // namespace winnow::stream
