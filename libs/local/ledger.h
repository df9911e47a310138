// The book of every record a run has decided: what `winnow explain`, the rejects file and the
// report read.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/base/clock.h"
#include "libs/base/result.h"
#include "libs/local/totals.h"
#include "libs/record/image_record.h"
#include "libs/state/state_store.h"
#include "libs/stream/processor.h"

namespace winnow::local {

inline constexpr std::string_view kLedgerFamily = "ledger";

// State keys (values), format version 1:
//   "r" + sequence, 8 bytes big-endian   ImageRecord without payload, its last verdict in history
//   "i" + record id                      sequence
//   "n" + source entry name              version of the entry, 0 byte, sequence
//   "t"                                  Totals
//   "s"                                  start of the first run, milliseconds since 1970, decimal
//   "q"                                  next free sequence, 8 bytes big-endian
std::vector<stream::StateWrite> RecordWrites(std::uint64_t sequence,
                                             const record::ImageRecord& record);
stream::StateWrite DoneWrite(std::string_view entry_name, std::string_view version,
                             std::uint64_t sequence);
stream::StateWrite TotalsWrite(const Totals& totals);
stream::StateWrite StartWrite(Timestamp start);
stream::StateWrite NextSequenceWrite(std::uint64_t next);

// Reads. `view` is the ledger family; must outlive the Ledger. Thread-safe.
class Ledger {
 public:
  explicit Ledger(const stream::StateView& view) : view_(view) {}

  // Whether this entry, in this version, has been decided.
  Result<bool> IsDone(std::string_view entry_name, std::string_view version) const;
  Result<std::optional<std::uint64_t>> SequenceOf(const RecordId& id) const;
  // nullopt: no such record.
  Result<std::optional<record::ImageRecord>> Find(const RecordId& id) const;
  // By the name the source gave it (a path within the folder).
  Result<std::optional<record::ImageRecord>> FindByName(std::string_view entry_name) const;
  // All records in source order until `visit` returns false.
  Status ForEach(const std::function<bool(const record::ImageRecord&)>& visit) const;
  // Empty before the first commit.
  Result<Totals> ReadTotals() const;
  Result<std::optional<Timestamp>> Start() const;
  Result<std::uint64_t> NextSequence() const;

 private:
  Result<std::optional<record::ImageRecord>> At(std::string_view encoded_sequence) const;

  const stream::StateView& view_;
};

}  // namespace winnow::local
