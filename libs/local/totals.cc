#include "libs/local/totals.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <sstream>

#include "libs/base/check.h"

namespace winnow::local {
namespace {

using record::Disposition;
using record::Reason;

// Where a record rests: everything but "went on to the next stage".
bool Ends(Disposition disposition) { return disposition != Disposition::kForwarded; }

std::optional<Disposition> DispositionFromName(std::string_view name) {
  for (const Disposition disposition : record::kAllDispositions) {
    if (record::Name(disposition) == name) return disposition;
  }
  return std::nullopt;
}

}  // namespace

void Totals::Count(std::string_view stage, Disposition disposition, Reason reason) {
  if (first_stage_.empty()) first_stage_ = stage;
  ++received_[std::string(stage)];
  ++counts_[{std::string(stage), disposition, reason}];
}

void Totals::Resettle(std::string_view stage, const Ending& was, const Ending& is) {
  const auto before = counts_.find({std::string(stage), was.disposition, was.reason});
  WINNOW_CHECK(before != counts_.end() && before->second > 0);
  if (--before->second == 0) counts_.erase(before);
  ++counts_[{std::string(stage), is.disposition, is.reason}];
}

std::uint64_t Totals::Received(std::string_view stage) const {
  const auto received = received_.find(stage);
  return received == received_.end() ? 0 : received->second;
}

std::uint64_t Totals::Of(std::string_view stage, Disposition disposition) const {
  std::uint64_t sum = 0;
  for (const auto& [key, count] : counts_) {
    if (std::get<0>(key) == stage && std::get<1>(key) == disposition) sum += count;
  }
  return sum;
}

std::uint64_t Totals::Received() const { return Received(first_stage_); }

std::uint64_t Totals::Ended(Disposition disposition) const {
  std::uint64_t sum = 0;
  for (const auto& [reason, count] : EndedByReason(disposition)) sum += count;
  return sum;
}

std::map<Reason, std::uint64_t> Totals::EndedByReason(Disposition disposition) const {
  std::map<Reason, std::uint64_t> by_reason;
  if (!Ends(disposition)) return by_reason;
  for (const auto& [key, count] : counts_) {
    if (std::get<1>(key) == disposition) by_reason[std::get<2>(key)] += count;
  }
  return by_reason;
}

bool Totals::Conserved(const std::vector<std::string>& stages) const {
  std::optional<std::uint64_t> expected;
  for (const std::string& stage : stages) {
    std::uint64_t left = 0;
    for (const Disposition disposition : record::kAllDispositions) left += Of(stage, disposition);
    if (left != Received(stage)) return false;
    if (expected && *expected != left) return false;
    expected = Of(stage, Disposition::kForwarded);
  }
  return expected.value_or(0) == 0;
}

std::string Totals::Encode() const {
  std::string text = fmt::format("first {}\n", first_stage_);
  for (const auto& [stage, count] : received_) text += fmt::format("received {} {}\n", stage, count);
  for (const auto& [key, count] : counts_) {
    const auto& [stage, disposition, reason] = key;
    text += fmt::format("count {} {} {} {}\n", stage, record::Name(disposition),
                        record::Name(reason), count);
  }
  return text;
}

Result<Totals> Totals::Decode(std::string_view text) {
  Totals totals;
  std::istringstream lines{std::string(text)};
  std::string line;
  while (std::getline(lines, line)) {
    std::istringstream words(line);
    std::string kind, stage, disposition, reason;
    std::uint64_t count = 0;
    words >> kind >> stage;
    if (kind == "first") {
      totals.first_stage_ = stage;
      continue;
    }
    if (kind == "received" && words >> count) {
      totals.received_[stage] = count;
      continue;
    }
    words >> disposition >> reason >> count;
    const auto known_disposition = DispositionFromName(disposition);
    const auto known_reason = record::ReasonFromName(reason);
    if (kind != "count" || !words || !known_disposition || !known_reason) {
      return CorruptStateError(fmt::format("the state holds a count nobody wrote: '{}'", line));
    }
    totals.counts_[{stage, *known_disposition, *known_reason}] = count;
  }
  return totals;
}

}  // namespace winnow::local
