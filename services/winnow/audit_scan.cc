#include "services/winnow/audit_scan.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <optional>
#include <thread>
#include <utility>

#include "libs/dataset/files.h"
#include "libs/dataset/stream_shards.h"
#include "libs/kafka/topics.h"
#include "libs/record/codec.h"
#include "services/winnow/replay_plan.h"

namespace winnow::cli {
namespace {

using kafka::LogEntry;
using kafka::PartitionRange;
using kafka::Topic;
using record::ImageRecord;
using SteadyClock = std::chrono::steady_clock;

std::string HeaderOf(const LogEntry& entry, std::string_view name) {
  const auto found = entry.headers.find(std::string(name));
  return found == entry.headers.end() ? std::string() : found->second;
}

// No record and no outcome.
bool IsOrder(const LogEntry& entry) {
  return kafka::IsOrderToForget(entry.value, HeaderOf(entry, kafka::kForgetHeader));
}

bool WasDeferred(const ImageRecord& record) {
  return std::any_of(record.history.begin(), record.history.end(), [](const auto& verdict) {
    return verdict.disposition == record::Disposition::kDeferred;
  });
}

class Scan {
 public:
  Scan(kafka::LogReader& reader, const AuditPlaces& places)
      : reader_(reader), places_(places), ledger_(Name(Topic::kRaw)) {}

  Result<AuditScan> Run(std::chrono::milliseconds patience) {
    WINNOW_RETURN_IF_ERROR(ReadDeferred(Moment::kBefore));
    WINNOW_RETURN_IF_ERROR(ReadArrivals());
    WINNOW_RETURN_IF_ERROR(ReadWaiting(Topic::kRaw, AuditStage::kValidator));
    WINNOW_RETURN_IF_ERROR(ReadWaiting(Topic::kValid, AuditStage::kBlurrer));
    WINNOW_RETURN_IF_ERROR(ReadWaiting(Topic::kSafe, AuditStage::kDeduper));
    WINNOW_RETURN_IF_ERROR(ReadWaiting(Topic::kUnique, AuditStage::kBalancer));
    WINNOW_RETURN_IF_ERROR(ReadSelected());
    WINNOW_RETURN_IF_ERROR(ReadDatasets());
    WINNOW_RETURN_IF_ERROR(ReadRefusals());
    WINNOW_RETURN_IF_ERROR(ReadDead());
    WINNOW_RETURN_IF_ERROR(ReadDeferred(Moment::kAfter));
    ledger_.Whole(whole_raw_, whole_selected_);
    scan_.report = ledger_.Judge();
    for (Violation& violation : found_) scan_.report.violations.push_back(std::move(violation));
    found_.clear();
    CheckStaging();
    WINNOW_RETURN_IF_ERROR(FindOpenTransactions(patience));
    return std::move(scan_);
  }

 private:
  enum class Moment { kBefore, kAfter };

  std::string Name(Topic topic) const { return kafka::TopicName(topic, places_.prefix); }
  void Break(std::string_view rule, std::string example) {
    cli::Break(found_, rule, std::move(example));
  }

  // What the headers say, and the record if it can be read.
  std::pair<Passage, std::optional<ImageRecord>> Read(Topic topic, const LogEntry& entry) const {
    Passage passage;
    passage.replay = ReplayCountOf(entry);
    const auto origin = kafka::ParseOrigin(HeaderOf(entry, kafka::kOriginHeader));
    passage.origin =
        origin ? *origin : kafka::Origin{std::string(entry.topic), entry.partition, entry.offset};
    if (!entry.value) return {std::move(passage), std::nullopt};
    auto record = record::RecordCodec::Decode(*entry.value, kafka::ZoneOf(topic));
    if (!record) return {std::move(passage), std::nullopt};
    passage.id = record->id;
    passage.settled = WasDeferred(*record);
    return {std::move(passage), std::move(*record)};
  }

  Status ReadAll(Topic topic, const std::function<void(const LogEntry&)>& visit) {
    return kafka::ReadTopic(reader_, Name(topic), [&](const LogEntry& entry) {
      visit(entry);
      return true;
    });
  }

  // The table as it is at the end of the log.
  Status ReadDeferred(Moment moment) {
    std::set<std::string> held;
    WINNOW_RETURN_IF_ERROR(ReadAll(Topic::kDeferred, [&](const LogEntry& entry) {
      const std::string id(entry.key.value_or(""));
      if (entry.value) {
        held.insert(id);
      } else {
        held.erase(id);
      }
    }));
    for (const std::string& id : held) ledger_.Deferred(RecordId(id), moment == Moment::kAfter);
    return {};
  }

  Status ReadArrivals() {
    WINNOW_ASSIGN_OR_RETURN(const auto ranges, reader_.RangesOf(Name(Topic::kRaw)));
    for (const PartitionRange& range : ranges) {
      whole_raw_ = whole_raw_ && range.begin == 0;
      ledger_.Raw(range.partition, range.begin, range.end);
      WINNOW_RETURN_IF_ERROR(reader_.ReadRange(
          Name(Topic::kRaw), range.partition, range.begin, range.end, [&](const LogEntry& entry) {
            Arrive(range, entry);
            return true;
          }));
    }
    return {};
  }

  void Arrive(const PartitionRange& range, const LogEntry& entry) {
    // Retention may have cut the log off while it was read.
    if (entry.offset < range.begin) return;
    const Passage passage = Read(Topic::kRaw, entry).first;
    if (kafka::ParseOrigin(HeaderOf(entry, kafka::kOriginHeader))) {
      ledger_.Redriven(passage);
    } else {
      ledger_.Arrived(entry.partition, entry.offset, passage.id);
    }
  }

  // What the stage has not committed yet.
  Status ReadWaiting(Topic topic, AuditStage stage) {
    WINNOW_ASSIGN_OR_RETURN(
        auto committed,
        reader_.CommittedOffsets(kafka::GroupName(cli::Name(stage), places_.prefix), Name(topic)));
    WINNOW_ASSIGN_OR_RETURN(const auto ranges, reader_.RangesOf(Name(topic)));
    for (const PartitionRange& range : ranges) {
      const auto found = committed.find(range.partition);
      const std::int64_t from = found == committed.end() ? range.begin : found->second;
      if (from < range.begin) {
        Break("nothing expires before it is worked on",
              fmt::format("{}/{}: {} got to {}, the log begins at {}", Name(topic),
                          range.partition, cli::Name(stage), from, range.begin));
      }
      WINNOW_RETURN_IF_ERROR(reader_.ReadRange(Name(topic), range.partition,
                                               std::max(from, range.begin), range.end,
                                               [&](const LogEntry& entry) {
                                                 if (IsOrder(entry)) return true;
                                                 ledger_.Waits(Read(topic, entry).first, stage);
                                                 return true;
                                               }));
    }
    return {};
  }

  Status ReadSelected() {
    WINNOW_ASSIGN_OR_RETURN(const auto ranges, reader_.RangesOf(Name(Topic::kSelected)));
    for (const PartitionRange& range : ranges) {
      whole_selected_ = whole_selected_ && range.begin == 0;
    }
    return ReadAll(Topic::kSelected, [&](const LogEntry& entry) {
      const Passage passage = Read(Topic::kSelected, entry).first;
      // What cannot be read becomes the sink's dead letter.
      if (passage.id.empty()) {
        ledger_.Waits(passage, AuditStage::kSink);
      } else {
        ledger_.Selected(passage, entry.partition, entry.offset);
      }
    });
  }

  Status ReadDatasets() {
    for (const std::string& directory : places_.datasets) {
      WINNOW_ASSIGN_OR_RETURN(const auto parts,
                              dataset::ReadParts(directory, dataset::PosixFiles()));
      scan_.parts += parts.size();
      for (const dataset::Part& part : parts) Store(directory, part);
      for (std::string& gap : dataset::CheckRanges(parts)) {
        Break("published ranges are gapless and disjoint", std::move(gap));
      }
      WINNOW_ASSIGN_OR_RETURN(
          const auto staged,
          dataset::PosixFiles().List(dataset::JoinPath(directory, ".winnow/staging")));
      for (const std::string& name : staged) {
        ++scan_.staged_files;
        staged_.push_back(dataset::JoinPath(directory, name));
      }
    }
    return {};
  }

  void Store(const std::string& directory, const dataset::Part& part) {
    for (const std::string& id : part.ids) ledger_.Stored(RecordId(id));
    for (const std::string& id : part.replaces) ledger_.Replaced(RecordId(id));
    if (part.topic == Name(Topic::kSelected)) {
      ledger_.StoredUntil(part.partition, part.complete_until);
    } else {
      Break("the dataset is of this pipeline",
            fmt::format("{} in {} is of topic {}", part.shard.name, directory, part.topic));
    }
    const std::string shard = dataset::JoinPath(directory, "shards/" + part.shard.name);
    const auto size = dataset::PosixFiles().Size(shard);
    if (!size || *size != part.shard.bytes) {
      Break("published shards are there",
            fmt::format("{} has not the {} bytes of its manifest", shard, part.shard.bytes));
    }
  }

  Status ReadRefusals() {
    WINNOW_RETURN_IF_ERROR(ReadAll(Topic::kRejected, [&](const LogEntry& entry) {
      const auto [passage, record] = Read(Topic::kRejected, entry);
      if (!record) return Unreadable(entry);
      ledger_.Rejected(passage, record->history.empty() ? record::Reason::kNone
                                                        : record->history.back().reason);
    }));
    return ReadAll(Topic::kReview, [&](const LogEntry& entry) {
      const auto [passage, record] = Read(Topic::kReview, entry);
      if (!record) return Unreadable(entry);
      ledger_.SentToReview(passage);
    });
  }

  void Unreadable(const LogEntry& entry) {
    Break("outcomes can be read",
          fmt::format("{}/{}/{}", entry.topic, entry.partition, entry.offset));
  }

  Status ReadDead() {
    const std::string selected = Name(Topic::kSelected);
    return ReadAll(Topic::kDead, [&](const LogEntry& entry) {
      Passage passage;
      passage.replay = ReplayCountOf(entry);
      const auto origin = kafka::ParseOrigin(HeaderOf(entry, kafka::kOriginHeader));
      const std::string letter = HeaderOf(entry, kafka::kDeadMessageHeader);
      const auto message = kafka::ParseOrigin(letter);
      if (!origin || !message) return Unreadable(entry);
      passage.origin = *origin;
      ledger_.Died(passage, letter, message->topic == selected,
                   HeaderOf(entry, kafka::kDeadReasonHeader));
    });
  }

  // A shard being filled holds records that are in flight.
  void CheckStaging() {
    const AuditFigures& figures = scan_.report.figures;
    if (figures.in_flight + figures.redriven_in_flight > 0) return;
    for (std::string& file : staged_) {
      cli::Break(scan_.report.violations, "nothing is left in staging", std::move(file));
    }
  }

  std::vector<std::string> Topics() const {
    std::vector<std::string> topics;
    for (const Topic topic : kafka::kAllTopics) topics.push_back(Name(topic));
    for (const AuditStage stage : {AuditStage::kDeduper, AuditStage::kBalancer}) {
      topics.push_back(kafka::ChangelogName(cli::Name(stage), places_.prefix));
    }
    return topics;
  }

  // A transaction is open while a batch is being committed; one that stays open was left behind.
  Status FindOpenTransactions(std::chrono::milliseconds patience) {
    std::map<std::pair<std::string, int>, std::int64_t> open;
    for (const std::string& topic : Topics()) {
      WINNOW_ASSIGN_OR_RETURN(const auto ranges, reader_.RangesOf(topic));
      for (const PartitionRange& range : ranges) {
        if (range.end < range.high_watermark) open[{topic, range.partition}] = range.end;
      }
    }
    scan_.open_transactions = open.size();
    const auto deadline = SteadyClock::now() + patience;
    while (!open.empty() && SteadyClock::now() < deadline) {
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
      WINNOW_RETURN_IF_ERROR(DropClosed(open));
    }
    for (const auto& [place, end] : open) {
      cli::Break(scan_.report.violations, "no transaction is left open",
                 fmt::format("{}/{}: readers wait at offset {}", place.first, place.second, end));
    }
    return {};
  }

  Status DropClosed(std::map<std::pair<std::string, int>, std::int64_t>& open) {
    for (auto it = open.begin(); it != open.end();) {
      WINNOW_ASSIGN_OR_RETURN(const auto ranges, reader_.RangesOf(it->first.first));
      const PartitionRange& range = ranges.at(static_cast<std::size_t>(it->first.second));
      // The end moves when the transaction that held it is over.
      it = range.end > it->second ? open.erase(it) : std::next(it);
    }
    return {};
  }

  kafka::LogReader& reader_;
  const AuditPlaces& places_;
  AuditLedger ledger_;
  AuditScan scan_{};
  std::vector<Violation> found_{};
  std::vector<std::string> staged_{};
  bool whole_raw_ = true;
  bool whole_selected_ = true;
};

}  // namespace

Result<AuditScan> ScanPipeline(kafka::LogReader& reader, const AuditPlaces& places,
                               std::chrono::milliseconds patience) {
  return Scan(reader, places).Run(patience);
}

}  // namespace winnow::cli
