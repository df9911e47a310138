#include "libs/stream/processor.h"

namespace winnow::stream {

Outcome Conclude(record::ImageRecord record, record::StageVerdict verdict) {
  Outcome outcome;
  outcome.disposition = verdict.disposition;
  outcome.reason = verdict.reason;
  outcome.record = std::move(record);
  outcome.record.history.push_back(std::move(verdict));
  return outcome;
}

}  // namespace winnow::stream
