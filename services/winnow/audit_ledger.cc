#include "services/winnow/audit_ledger.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "libs/base/digest.h"

namespace winnow::cli {
namespace {

constexpr std::size_t kMostExamples = 10;
constexpr std::uint8_t kMostOutcomes = 255;  // that are counted

// Of an arrival.
constexpr std::uint8_t kHere = 1;
constexpr std::uint8_t kHasId = 2;
constexpr std::uint8_t kWaits = 4;
constexpr std::uint8_t kRejectedOnce = 8;
constexpr std::uint8_t kReviewOnce = 16;
constexpr std::uint8_t kDeadOnce = 32;
constexpr std::uint8_t kSelectedOnce = 64;

// Of an id.
constexpr std::uint16_t kIdRejected = 1;
constexpr std::uint16_t kIdReview = 2;
constexpr std::uint16_t kIdSelected = 4;
constexpr std::uint16_t kIdDeferredNow = 8;
constexpr std::uint16_t kIdDeferredSeen = 16;
constexpr std::uint16_t kIdSettled = 32;
constexpr std::uint16_t kIdReplayed = 64;
constexpr std::uint16_t kIdReplaced = 128;         // by a record of a published part
constexpr std::uint16_t kIdGaveWay = 256;          // rejected for a better copy

constexpr std::string_view kDouble = "an arrival has one outcome";
constexpr std::string_view kNeverArrived = "an outcome has an arrival";
constexpr std::string_view kOtherImage = "an outcome is of the image that arrived";

int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

void AddExample(Violation& violation, std::string example) {
  ++violation.count;
  if (violation.examples.size() < kMostExamples) violation.examples.push_back(std::move(example));
}

}  // namespace

void Break(std::vector<Violation>& violations, std::string_view rule, std::string example) {
  auto found = std::find_if(violations.begin(), violations.end(),
                            [&](const Violation& violation) { return violation.rule == rule; });
  if (found == violations.end()) {
    found = violations.insert(violations.end(), {std::string(rule), 0, {}});
  }
  AddExample(*found, std::move(example));
}

std::string_view Name(AuditStage stage) {
  switch (stage) {
    case AuditStage::kValidator: return "validator";
    case AuditStage::kBlurrer: return "privacy-blurrer";
    case AuditStage::kDeduper: return "deduper";
    case AuditStage::kBalancer: return "balancer";
    case AuditStage::kSink: return "sink";
  }
  return "sink";
}

std::size_t AuditLedger::HashId::operator()(const Id& id) const {
  // Ids are digests: any eight bytes are as good as a hash.
  std::size_t hash = 0;
  std::memcpy(&hash, id.data(), sizeof hash);
  return hash;
}

// Derived ids are 32 hex digits; ids that producers gave are whatever they are.
AuditLedger::Id AuditLedger::Short(const RecordId& id) {
  const std::string& text = id.value();
  Id bytes{};
  bool hex = text.size() == 2 * bytes.size();
  for (std::size_t i = 0; hex && i < bytes.size(); ++i) {
    const int high = HexValue(text[2 * i]);
    const int low = HexValue(text[2 * i + 1]);
    hex = high >= 0 && low >= 0;
    if (hex) bytes[i] = static_cast<std::uint8_t>(high * 16 + low);
  }
  if (hex) return bytes;
  const Sha256Digest digest = Sha256(text);
  std::copy_n(digest.begin(), bytes.size(), bytes.begin());
  return bytes;
}

void AuditLedger::Note(std::string_view rule, std::string example) {
  Violation& violation = noted_[std::string(rule)];
  violation.rule = rule;
  AddExample(violation, std::move(example));
}

void AuditLedger::Raw(int partition, std::int64_t begin, std::int64_t end) {
  Log& log = logs_[partition];
  log.begin = begin;
  log.end = end;
  log.arrivals.resize(static_cast<std::size_t>(std::max<std::int64_t>(end - begin, 0)));
}

AuditLedger::Arrival* AuditLedger::Find(const kafka::Origin& origin) {
  const auto log = logs_.find(origin.partition);
  if (origin.topic != raw_ || log == logs_.end()) return nullptr;
  if (origin.offset < log->second.begin || origin.offset >= log->second.end) return nullptr;
  Arrival& arrival =
      log->second.arrivals[static_cast<std::size_t>(origin.offset - log->second.begin)];
  return (arrival.flags & kHere) != 0 ? &arrival : nullptr;
}

void AuditLedger::Arrived(int partition, std::int64_t offset, const RecordId& id) {
  Log& log = logs_[partition];
  Arrival& arrival = log.arrivals.at(static_cast<std::size_t>(offset - log.begin));
  arrival.flags |= kHere;
  ++figures_.arrivals;
  if (id.empty()) return;
  arrival.flags |= kHasId;
  arrival.id = Short(id);
  if (++fates_[arrival.id].arrivals == 1) ++figures_.ids;
}

void AuditLedger::Redriven(const Passage& passage) {
  ++figures_.redriven;
  const Id id = passage.id.empty() ? Id{} : Short(passage.id);
  redriven_[{passage.origin.partition, passage.origin.offset, passage.replay}] = id;
  if (!passage.id.empty()) fates_[id].flags |= kIdReplayed;
}

void AuditLedger::Waits(const Passage& passage, AuditStage stage) {
  if (passage.replay > 0) {
    waiting_drives_.insert({passage.origin.partition, passage.origin.offset, passage.replay});
  }
  Arrival* const arrival = Find(passage.origin);
  if (arrival == nullptr) return;
  arrival->flags |= kWaits;
  arrival->stage = static_cast<std::uint8_t>(stage);
}

void AuditLedger::Conclude(const Passage& passage, std::uint8_t arrival_flag,
                           std::uint16_t id_flag) {
  if (!passage.id.empty()) {
    Fate& fate = fates_[Short(passage.id)];
    fate.flags |= id_flag;
    if (passage.settled) fate.flags |= kIdSettled;
    if (passage.replay > 0) fate.flags |= kIdReplayed;
  }
  const kafka::Origin& origin = passage.origin;
  if (origin.topic != raw_) {
    ++figures_.foreign;
    return;
  }
  if (passage.replay > 0 &&
      ++drives_[{origin.partition, origin.offset, passage.replay}] > 1) {
    Note(kDouble, fmt::format("{}, driven again ({}), has {} outcomes", Format(origin),
                              passage.replay,
                              drives_[{origin.partition, origin.offset, passage.replay}]));
  }
  Arrival* const arrival = Find(origin);
  if (arrival == nullptr) {
    const auto log = logs_.find(origin.partition);
    const bool expired = log != logs_.end() && origin.offset < log->second.begin;
    // Arrived after the audit began.
    const bool later = log != logs_.end() && origin.offset >= log->second.end;
    if (expired) ++figures_.expired;
    if (!expired && !later) {
      Note(kNeverArrived, fmt::format("{}: there is no such message", Format(origin)));
    }
    return;
  }
  arrival->flags |= arrival_flag;
  if ((arrival->flags & kHasId) != 0 && !passage.id.empty() && arrival->id != Short(passage.id)) {
    Note(kOtherImage, fmt::format("{}: the outcome is of {}", Format(origin), passage.id.value()));
  }
  if (passage.replay > 0) return;
  if (arrival->outcomes < kMostOutcomes) ++arrival->outcomes;
  if (arrival->outcomes == 1) return;
  Note(kDouble, fmt::format("{} ({}) has {} outcomes", Format(origin), passage.id.value(),
                            arrival->outcomes));
}

void AuditLedger::Rejected(const Passage& passage, record::Reason reason) {
  ++figures_.reasons[std::string(record::Name(reason))];
  const bool gave_way = reason == record::Reason::kSuperseded;
  Conclude(passage, kRejectedOnce, gave_way ? kIdGaveWay : kIdRejected);
}

void AuditLedger::SentToReview(const Passage& passage) {
  Conclude(passage, kReviewOnce, kIdReview);
}

void AuditLedger::Died(const Passage& passage, const std::string& letter, bool by_sink,
                       const std::string& reason) {
  if (!letters_.insert({letter, passage.replay}).second) return;
  ++figures_.dead_reasons[reason];
  if (!by_sink) return Conclude(passage, kDeadOnce, 0);
  // Its message in images.selected is the outcome that was counted.
  if (Arrival* const arrival = Find(passage.origin)) arrival->flags |= kDeadOnce;
}

void AuditLedger::Selected(const Passage& passage, int partition, std::int64_t offset) {
  Conclude(passage, kSelectedOnce, kIdSelected);
  if (passage.origin.topic != raw_) return;
  selected_.push_back({passage.origin.partition, passage.replay, passage.origin.offset,
                       Short(passage.id), partition, offset});
}

void AuditLedger::Deferred(const RecordId& id, bool now) {
  fates_[Short(id)].flags |= now ? kIdDeferredNow | kIdDeferredSeen : kIdDeferredSeen;
}

void AuditLedger::Stored(const RecordId& id) { ++fates_[Short(id)].stored; }

void AuditLedger::Replaced(const RecordId& id) { fates_[Short(id)].flags |= kIdReplaced; }

void AuditLedger::StoredUntil(int partition, std::int64_t offset) {
  std::int64_t& until = stored_until_[partition];
  until = std::max(until, offset);
}

void AuditLedger::Whole(bool raw, bool selected) {
  whole_raw_ = raw;
  whole_selected_ = selected;
}

// Adds up what the books say. The books are the pipeline's at slightly different moments, read
// upstream first: a record can be seen twice on its way, never not at all.
class AuditLedger::Judgement {
 public:
  explicit Judgement(const AuditLedger& ledger)
      : ledger_(ledger), figures_(ledger.figures_), violations_(ledger.noted_) {}

  AuditReport Run() {
    JudgeSelected();
    for (const auto& [partition, log] : ledger_.logs_) JudgeLog(partition, log);
    JudgeRedriven();
    for (const auto& [id, fate] : ledger_.fates_) JudgeId(id, fate);
    AuditReport report;
    report.figures = figures_;
    for (auto& [rule, violation] : violations_) report.violations.push_back(std::move(violation));
    return report;
  }

 private:
  void Break(std::string_view rule, std::string example) {
    Violation& violation = violations_[std::string(rule)];
    violation.rule = rule;
    AddExample(violation, std::move(example));
  }

  static std::string Text(const Id& id) {
    return ToHex(std::string_view(reinterpret_cast<const char*>(id.data()), id.size()));
  }

  const Fate& FateOf(const Id& id) const {
    static const Fate none;
    const auto found = ledger_.fates_.find(id);
    return found == ledger_.fates_.end() ? none : found->second;
  }

  void JudgeSelected() {
    for (const SelectedPlace& place : ledger_.selected_) {
      const Fate& fate = FateOf(place.id);
      if (fate.stored > 0 || (fate.flags & kIdReplaced) != 0) continue;
      const auto until = ledger_.stored_until_.find(place.partition);
      const bool passed =
          until != ledger_.stored_until_.end() && place.offset < until->second;
      if (passed) lost_.insert({ledger_.raw_, place.raw_partition, place.raw_offset});
      if (!passed && place.replay > 0) ++figures_.redriven_in_flight;
    }
  }

  void JudgeLog(int partition, const Log& log) {
    for (std::size_t i = 0; i < log.arrivals.size(); ++i) {
      if ((log.arrivals[i].flags & kHere) == 0) continue;
      JudgeArrival({ledger_.raw_, partition, log.begin + static_cast<std::int64_t>(i)},
                   log.arrivals[i]);
    }
  }

  void Wait(AuditStage stage) {
    ++figures_.in_flight;
    ++figures_.waiting[static_cast<std::size_t>(stage)];
  }

  void JudgeArrival(const kafka::Origin& origin, const Arrival& arrival) {
    const auto is = [&](std::uint8_t flag) { return (arrival.flags & flag) != 0; };
    const Fate& fate = is(kHasId) ? FateOf(arrival.id) : FateOf({});
    const auto id_is = [&](std::uint16_t flag) {
      return is(kHasId) && (fate.flags & flag) != 0;
    };
    if (is(kSelectedOnce) && id_is(kIdReplaced)) {
      ++figures_.superseded;
    } else if (is(kSelectedOnce) && fate.stored > 0) {
      ++figures_.stored;
    } else if (is(kReviewOnce)) {
      ++figures_.review;
    } else if (is(kRejectedOnce)) {
      ++figures_.rejected;
    } else if (is(kDeadOnce)) {
      ++figures_.dead;
    } else if (is(kSelectedOnce) && !lost_.contains(origin)) {
      Wait(AuditStage::kSink);
    } else if (is(kSelectedOnce)) {
      ++figures_.missing;
      Break("what was selected is stored",
            fmt::format("{} ({}): the sink has passed it", Format(origin), Text(arrival.id)));
    } else if (is(kWaits)) {
      Wait(static_cast<AuditStage>(arrival.stage));
    } else if (id_is(kIdDeferredSeen)) {
      ++figures_.deferred;
    } else if (id_is(kIdSettled)) {
      ++figures_.settled_with_earlier;
    } else if (!ledger_.whole_selected_ && id_is(kIdReplaced)) {
      ++figures_.superseded;  // its message in images.selected has expired
    } else if (!ledger_.whole_selected_ && is(kHasId) && fate.stored > 0) {
      ++figures_.stored;  // likewise
    } else {
      ++figures_.missing;
      Break("an arrival has an outcome or is in flight",
            fmt::format("{} ({})", Format(origin), is(kHasId) ? Text(arrival.id) : "no id"));
    }
  }

  void JudgeRedriven() {
    for (const Drive& drive : ledger_.waiting_drives_) {
      if (!ledger_.drives_.contains(drive)) ++figures_.redriven_in_flight;
    }
    for (const auto& [drive, id] : ledger_.redriven_) {
      if (ledger_.drives_.contains(drive) || ledger_.waiting_drives_.contains(drive)) continue;
      const Fate& fate = FateOf(id);
      if ((fate.flags & (kIdDeferredSeen | kIdSettled)) != 0) continue;
      const auto& [partition, offset, replay] = drive;
      Break("a record driven again has an outcome or is in flight",
            fmt::format("{}, drive {}", kafka::Format({ledger_.raw_, partition, offset}), replay));
    }
  }

  void JudgeId(const Id& id, const Fate& fate) {
    const auto is = [&](std::uint16_t flag) { return (fate.flags & flag) != 0; };
    const bool superseded = IsSuperseded(fate);
    if (superseded) ++figures_.superseded_ids;
    if (superseded && fate.stored > 0) ++figures_.still_in_shards;
    if (!superseded && fate.stored > 0) ++figures_.stored_ids;
    if (is(kIdRejected) || (is(kIdGaveWay) && !superseded)) ++figures_.rejected_ids;
    if (is(kIdReview)) ++figures_.review_ids;
    if (is(kIdDeferredNow)) ++figures_.deferred_ids;
    if (fate.stored > 1) {
      Break("an id is stored once", fmt::format("{} is stored {} times", Text(id), fate.stored));
    }
    if (fate.stored > 0 && fate.arrivals == 0 && ledger_.whole_raw_) {
      Break("what is stored has arrived", Text(id));
    }
    if (fate.stored > 0 && !is(kIdSelected) && ledger_.whole_selected_) {
      Break("what is stored was selected", Text(id));
    }
    JudgeKinds(id, fate);
  }

  static bool IsSelected(const Fate& fate) {
    return (fate.flags & kIdSelected) != 0 || fate.stored > 0;
  }

  // Of the dataset: what gave way before it was selected is rejected.
  static bool IsSuperseded(const Fate& fate) {
    return IsSelected(fate) && (fate.flags & kIdReplaced) != 0;
  }

  // A record that was driven again may be judged anew. One that was selected and comes again after
  // its better copy is turned away, which the sink may not have published yet.
  void JudgeKinds(const Id& id, const Fate& fate) {
    if ((fate.flags & kIdReplayed) != 0) return;
    std::vector<std::string_view> kinds;
    const bool gave_way = (fate.flags & kIdGaveWay) != 0;
    if (IsSelected(fate) || gave_way) kinds.emplace_back(gave_way ? "superseded" : "selected");
    if ((fate.flags & kIdRejected) != 0) kinds.emplace_back("rejected");
    if ((fate.flags & kIdReview) != 0) kinds.emplace_back("in review");
    if ((fate.flags & kIdDeferredNow) != 0) kinds.emplace_back("deferred");
    if (kinds.size() < 2) return;
    Break("an id has one kind of outcome",
          fmt::format("{} is {}", Text(id), fmt::join(kinds, " and ")));
  }

  const AuditLedger& ledger_;
  AuditFigures figures_;
  std::map<std::string, Violation> violations_;
  std::set<kafka::Origin> lost_{};
};

AuditReport AuditLedger::Judge() const { return Judgement(*this).Run(); }

}  // namespace winnow::cli
