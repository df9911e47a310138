#include "services/winnow/forget_command.h"

#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <optional>

#include "libs/base/clock.h"
#include "libs/dataset/files.h"
#include "libs/kafka/headers.h"
#include "libs/kafka/log_reader.h"
#include "libs/kafka/record_producer.h"
#include "libs/kafka/topics.h"
#include "libs/local/local_runner.h"
#include "libs/spec/spec.h"
#include "libs/state/rocksdb_store.h"
#include "services/deduper/deduper.h"
#include "services/winnow/explain_command.h"
#include "services/winnow/wiring.h"
#include "services/winnow/workspace.h"

namespace winnow::cli {
namespace {

constexpr const char* kDeduper = "deduper";
constexpr std::uint64_t kBytesUnderWay = 1u << 20;
constexpr auto kFlushTimeout = std::chrono::seconds(60);

// A store is opened with all the families it has.
std::vector<std::string> RunFamilies() {
  std::vector<local::StagePlan> stages;
  for (const std::string& name : StageNames()) stages.push_back({name, nullptr});
  return local::StateFamilies(stages);
}

Status ForgetInDeduper(const spec::CollectionSpec& spec, const RecordId& id,
                       state::StateStore& store, bool& known) {
  const auto view = state::ViewOf(store, kDeduper);
  const auto deduper = deduper::NewDeduper(spec);
  WINNOW_RETURN_IF_ERROR(deduper->Open(*view));
  WINNOW_ASSIGN_OR_RETURN(const std::vector<stream::StateWrite> writes,
                          deduper->Forget(id, *view));
  known = !writes.empty();
  if (!known) return {};
  state::WriteBatch batch;
  for (const stream::StateWrite& write : writes) batch.push_back({kDeduper, write});
  return store.Commit(batch);
}

}  // namespace

Result<std::string> ForgetInState(const ForgetOptions& options) {
  WINNOW_ASSIGN_OR_RETURN(const spec::CollectionSpec spec, spec::Load(options.spec));
  WINNOW_RETURN_IF_ERROR(CheckState(dataset::PosixFiles(), spec, options.state));
  WINNOW_ASSIGN_OR_RETURN(const record::ImageRecord record,
                          FindRecord(options.image, options.state));
  WINNOW_ASSIGN_OR_RETURN(const auto store,
                          state::OpenRocksDb({.directory = dataset::JoinPath(options.state, "db"),
                                              .families = RunFamilies()}));
  bool known = false;
  WINNOW_RETURN_IF_ERROR(ForgetInDeduper(spec, record.id, *store, known));
  if (!known) return fmt::format("{}: no image is compared with it\n", record.id.value());
  return fmt::format("{}: forgotten; copies that arrive from now on are new\n", record.id.value());
}

Result<std::string> OrderToForget(const ForgetOptions& options) {
  if (options.connection.brokers.empty()) {
    return ConfigError("say where to forget it: --state and --spec of a run, or --brokers");
  }
  WINNOW_ASSIGN_OR_RETURN(const kafka::ClientConfig client, ClientOf(options.connection));
  const std::string topic = TopicName(kafka::Topic::kSafe, options.connection.prefix);
  WINNOW_ASSIGN_OR_RETURN(const auto partitions, kafka::RangesOf(client, topic));
  WINNOW_ASSIGN_OR_RETURN(const auto producer, kafka::NewRecordProducer(client, kBytesUnderWay));
  Status refused;
  for (const kafka::PartitionRange& range : partitions) {
    kafka::OutgoingMessage order;
    order.topic = topic;
    order.partition = range.partition;
    order.headers[std::string(kafka::kForgetHeader)] = options.image;
    order.time = SystemClock().Now();
    WINNOW_RETURN_IF_ERROR(producer->Send(std::move(order), [&](Status done) {
      if (!done) refused = std::move(done);
    }));
  }
  WINNOW_RETURN_IF_ERROR(producer->Flush(kFlushTimeout));
  WINNOW_RETURN_IF_ERROR(refused);
  return fmt::format("{}: ordered on {} partitions of {}; copies that arrive from now on are new\n",
                     options.image, partitions.size(), topic);
}

ExitCode ForgetCommand(const ForgetOptions& options) {
  const Result<std::string> line =
      options.state.empty() ? OrderToForget(options) : ForgetInState(options);
  if (!line) {
    fmt::print(stderr, "winnow: {}\n", line.error().message);
    return ExitCodeFor(line.error().code);
  }
  fmt::print("{}", *line);
  return ExitCode::kOk;
}

}  // namespace winnow::cli
