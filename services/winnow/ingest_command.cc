#include "services/winnow/ingest_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <memory>
#include <thread>

#include "libs/blob/blob_store.h"
#include "libs/ingest/folder_source.h"
#include "libs/kafka/log_reader.h"
#include "libs/kafka/record_producer.h"
#include "libs/kafka/topics.h"
#include "libs/spec/spec.h"
#include "services/winnow/folder_follower.h"
#include "services/winnow/ingest_feed.h"
#include "services/winnow/ingest_state.h"
#include "services/winnow/interrupt.h"
#include "services/winnow/live_line.h"
#include "services/winnow/progress.h"
#include "services/winnow/wiring.h"

namespace winnow::cli {
namespace {

// Everything that can be wrong was looked at before the first message.
struct Prepared {
  spec::CollectionSpec spec;
  std::unique_ptr<ingest::FolderSource> source;
  kafka::ClientConfig client;
  std::string topic;
  std::unique_ptr<IngestState> state;
  std::unique_ptr<blob::BlobStore> blobs;
  std::unique_ptr<kafka::RecordProducer> producer;
};

Result<Prepared> Prepare(const IngestCommandOptions& options) {
  Prepared prepared;
  WINNOW_ASSIGN_OR_RETURN(prepared.spec, spec::Load(options.spec));
  WINNOW_ASSIGN_OR_RETURN(prepared.source,
                          ingest::OpenFolder(FolderOptionsFor(prepared.spec, options.input)));
  WINNOW_ASSIGN_OR_RETURN(prepared.client, ClientOf(options.connection));
  prepared.topic = kafka::TopicName(kafka::Topic::kRaw, options.connection.prefix);
  WINNOW_ASSIGN_OR_RETURN(const auto reader, kafka::NewLogReader(prepared.client));
  WINNOW_RETURN_IF_ERROR(reader->RangesOf(prepared.topic));
  WINNOW_ASSIGN_OR_RETURN(const std::string cluster, reader->ClusterId());
  WINNOW_ASSIGN_OR_RETURN(
      prepared.state, IngestState::Open(options.state, {cluster, prepared.topic,
                                                        prepared.spec.collection.value(),
                                                        prepared.spec.ingest.source.value()}));
  if (!options.raw_blobs.empty()) {
    WINNOW_ASSIGN_OR_RETURN(prepared.blobs, blob::OpenDirectory(options.raw_blobs));
  }
  WINNOW_ASSIGN_OR_RETURN(
      prepared.producer, kafka::NewRecordProducer(prepared.client, options.max_bytes_under_way));
  return prepared;
}

double SecondsSince(std::chrono::steady_clock::time_point began) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
}

IngestPlace PlaceOf(const IngestCommandOptions& options, Prepared& prepared) {
  return {*prepared.producer, *prepared.state, prepared.blobs.get(), prepared.topic,
          options.inline_max_bytes};
}

std::string Rates(const IngestCounts& counts, double seconds) {
  return fmt::format("{:.3g}/s  {:.3g} MB/s", static_cast<double>(counts.sent) / seconds,
                     static_cast<double>(counts.bytes) / 1e6 / seconds);
}

// The folder as it is, once.
class Once {
 public:
  Once(Prepared& prepared, IngestFeed& feed, const std::atomic<bool>& stop)
      : prepared_(prepared), feed_(feed), stop_(stop), line_(stderr) {}

  Status Run() { return feed_.Finish(*prepared_.source, SendAll()); }

  std::uint64_t already() const { return already_; }  // sent by earlier runs

 private:
  Status SendAll() {
    while (!stop_ && !feed_.failure()) {
      WINNOW_ASSIGN_OR_RETURN(const auto entry, prepared_.source->Next());
      if (!entry) return {};
      WINNOW_ASSIGN_OR_RETURN(const bool sent, prepared_.state->IsSent(*entry));
      if (sent) {
        ++already_;
      } else {
        WINNOW_RETURN_IF_ERROR(feed_.Send(*prepared_.source, *entry));
      }
      if (line_.Due()) line_.Show(Progress());
    }
    return {};
  }

  std::string Progress() const {
    const std::uint64_t done = feed_.counts().sent + already_;
    std::string text = WithThousands(done);
    if (const auto total = prepared_.source->Count(); total && *total > 0) {
      text += fmt::format(" of {} images  {} %", WithThousands(*total), done * 100 / *total);
    }
    return text + "  " + Rates(feed_.counts(), line_.seconds());
  }

  Prepared& prepared_;
  IngestFeed& feed_;
  const std::atomic<bool>& stop_;
  LiveLine line_;
  std::uint64_t already_ = 0;
};

// The folder for ever. What goes wrong with it is told once and tried again: it may be written to
// at this moment, or be a volume that comes back.
class Follow {
 public:
  Follow(const IngestCommandOptions& options, Prepared& prepared, IngestFeed& feed,
         const std::atomic<bool>& stop)
      : every_(options.every),
        feed_(feed),
        stop_(stop),
        follower_([&options, &prepared] { return OpenSource(options, prepared.spec); },
                  [&prepared](const stream::SourceEntry& entry) {
                    return prepared.state->IsSent(entry);
                  }),
        line_(stderr) {}

  // Until `stop` or an Error that is not the folder's.
  Status Run() {
    while (!stop_) {
      const auto began = SteadyClock::now();
      WINNOW_RETURN_IF_ERROR(Look());
      Tell();
      // A folder that takes long to look at is not looked at all the time.
      const auto took = SteadyClock::now() - began;
      Wait(SteadyClock::now() + std::max<SteadyClock::duration>(every_, took));
    }
    return {};
  }

 private:
  using SteadyClock = std::chrono::steady_clock;

  static Result<std::unique_ptr<stream::Source>> OpenSource(const IngestCommandOptions& options,
                                                            const spec::CollectionSpec& spec) {
    WINNOW_ASSIGN_OR_RETURN(auto folder,
                            ingest::OpenFolder(FolderOptionsFor(spec, options.input)));
    return std::unique_ptr<stream::Source>(std::move(folder));
  }

  Status Look() {
    FolderFollower::Look look = follower_.LookAgain(
        [this](const stream::Source& source, const stream::SourceEntry& entry) {
          const Status sent = feed_.Send(source, entry);
          Tell();
          return sent;
        },
        [this] { return stop_.load() || feed_.failure().has_value(); });
    Complain(look.folder);
    return look.source ? feed_.Finish(*look.source, look.taking) : look.taking;
  }

  void Complain(const Status& folder) {
    const std::string trouble = folder ? "" : folder.error().message;
    if (trouble == trouble_) return;
    if (trouble.empty()) {
      line_.Show("the folder can be read again");
    } else {
      line_.Show(fmt::format("{}; looking again", trouble));
    }
    trouble_ = trouble;
  }

  // A log is not filled with lines that say the same.
  void Tell() {
    if (!line_.Due()) return;
    std::string text = fmt::format("{} images sent  {} waiting to be complete",
                                   WithThousands(feed_.counts().sent),
                                   WithThousands(follower_.waiting()));
    if (text == told_) return;
    line_.Show(text);
    told_ = std::move(text);
  }

  void Wait(SteadyClock::time_point until) const {
    while (!stop_ && SteadyClock::now() < until) {
      std::this_thread::sleep_for(std::min<SteadyClock::duration>(
          std::chrono::milliseconds(100), until - SteadyClock::now()));
    }
  }

  const std::chrono::milliseconds every_;
  IngestFeed& feed_;
  const std::atomic<bool>& stop_;
  FolderFollower follower_;
  LiveLine line_;
  std::string trouble_{};
  std::string told_{};
};

void PrintEnd(const Prepared& prepared, const IngestCounts& counts, double seconds) {
  fmt::print("sent {} records ({} MB) to {} in {}\n", WithThousands(counts.sent),
             WithThousands(counts.bytes / 1'000'000), prepared.topic, AsClock(seconds));
  if (counts.by_reference > 0) {
    fmt::print("{} images are in the blob store\n", WithThousands(counts.by_reference));
  }
  if (counts.too_large > 0) {
    fmt::print("{} images are too large and were sent without their bytes, to be refused with a "
               "reason\n",
               WithThousands(counts.too_large));
  }
}

Result<ExitCode> RunOnce(Prepared& prepared, IngestFeed& feed, const std::atomic<bool>& stop) {
  const auto began = std::chrono::steady_clock::now();
  Once once(prepared, feed, stop);
  WINNOW_RETURN_IF_ERROR(once.Run());
  PrintEnd(prepared, feed.counts(), SecondsSince(began));
  if (once.already() > 0) fmt::print("{} were sent before\n", WithThousands(once.already()));
  if (!stop) return ExitCode::kOk;
  fmt::print(stderr, "winnow: stopped; run the same command again to go on where it stopped\n");
  return ExitCode::kStopped;
}

// A signal is how it ends: nothing is left undone that another run would not do.
Result<ExitCode> RunFollow(const IngestCommandOptions& options, Prepared& prepared,
                           IngestFeed& feed, const std::atomic<bool>& stop) {
  const auto began = std::chrono::steady_clock::now();
  WINNOW_RETURN_IF_ERROR(Follow(options, prepared, feed, stop).Run());
  PrintEnd(prepared, feed.counts(), SecondsSince(began));
  return ExitCode::kOk;
}

Result<ExitCode> Run(const IngestCommandOptions& options) {
  const std::atomic<bool>& stop = CatchInterrupts();
  WINNOW_ASSIGN_OR_RETURN(Prepared prepared, Prepare(options));
  IngestFeed feed(PlaceOf(options, prepared), stop);
  return options.mode == IngestMode::kFollow ? RunFollow(options, prepared, feed, stop)
                                             : RunOnce(prepared, feed, stop);
}

}  // namespace

ExitCode IngestCommand(const IngestCommandOptions& options) {
  const Result<ExitCode> result = Run(options);
  if (result) return *result;
  fmt::print(stderr, "winnow: {}\n", result.error().message);
  return ExitCodeFor(result.error().code);
}

}  // namespace winnow::cli
