// How long the deduper takes to be ready again: its Open from a RocksDB with all the entries of so
// many images that were kept, from files that nothing has in memory and from ones just read.
//
//   deduper_open_benchmark [--images 1000000,10000000] [--directory PARENT]
//
// The entries are what the deduper writes, but in the order of their keys, which fills a store
// faster and leaves it as merging its tables would. What fills and what opens are processes of
// their own, so that memory is counted for one opening alone. It ends with an error unless all are
// there again and are found.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "libs/base/check.h"
#include "libs/state/overlay.h"
#include "libs/state/rocksdb_store.h"
#include "libs/testing/safe_payload.h"
#include "services/deduper/deduper.h"
#include "services/deduper/state_entries.h"
#include "tests/bench/safe_records.h"
#include "tests/bench/stage_loop.h"
#include "tests/bench/stage_meter.h"

namespace winnow::bench {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFamily = "state";
constexpr std::uint64_t kBatch = 10'000;
constexpr std::size_t kStoreBytes = 96u << 20;  // as libs/kafka gives all partitions

template <class T>
T Must(Result<T> result) {
  if (result) {
    if constexpr (std::is_void_v<T>) return;
    else return std::move(*result);
  }
  fmt::print(stderr, "deduper_open_benchmark: {}\n", result.error().message);
  std::exit(1);
}

void Require(bool holds, const char* what) {
  if (holds) return;
  fmt::print(stderr, "deduper_open_benchmark: {}\n", what);
  std::exit(1);
}

double SecondsSince(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

// A child that does it and ends well, or the end of this process.
void InChild(const std::function<void()>& work) {
  std::fflush(stdout);
  const pid_t child = fork();
  Require(child >= 0, "cannot fork");
  if (child == 0) {
    work();
    std::fflush(stdout);
    std::_Exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) std::exit(1);
}

std::vector<fs::path> FilesIn(const std::string& directory) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  return files;
}

std::uint64_t BytesIn(const std::string& directory) {
  std::uint64_t bytes = 0;
  for (const fs::path& file : FilesIn(directory)) bytes += fs::file_size(file);
  return bytes;
}

// What is written is on disk already, so that the system can let go of all of it.
void DropFromCache(const std::string& directory) {
  for (const fs::path& file : FilesIn(directory)) {
    const int descriptor = open(file.c_str(), O_RDONLY);
    if (descriptor < 0) continue;
    fdatasync(descriptor);
    posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED);
    close(descriptor);
  }
}

// ---- memory --------------------------------------------------------------------------------

std::uint64_t StatusBytes(const std::string& name) {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    std::uint64_t kilobytes = 0;
    if (word == name && status >> kilobytes) return kilobytes << 10;
  }
  return 0;
}

// The largest resident size from here on is that from now on.
void ForgetPeak() { std::ofstream("/proc/self/clear_refs") << "5"; }

// ---- filling and opening -------------------------------------------------------------------

spec::CollectionSpec Spec() {
  spec::CollectionSpec spec;
  spec.collection = CollectionId(std::string(kCollection));
  spec.digest = std::string(64, 'a');
  return spec;
}

std::unique_ptr<state::StateStore> OpenState(const std::string& directory) {
  return Must(state::OpenRocksDb(
      {.directory = directory, .families = {kFamily}, .memory_bytes = kStoreBytes}));
}

// Digests and ids ascend with the number and cover all there are; fingerprints are random.
class Images {
 public:
  explicit Images(std::uint64_t count) : step_(~std::uint64_t{0} / count) {}

  deduper::Kept KeptOf(std::uint64_t number) const {
    deduper::Kept kept;
    kept.id = RecordId(fmt::format("{:016x}{:016x}", number * step_, number));
    kept.cluster = kept.id;
    kept.fingerprint = record::Fingerprint{RandomBits(number), 90};
    std::uint64_t prefix = number * step_;
    for (std::size_t i = 0; i < sizeof(prefix); ++i, prefix <<= 8) {
      kept.sha256[i] = static_cast<std::uint8_t>(prefix >> 56);
    }
    std::memcpy(kept.sha256.data() + sizeof(prefix), kept.fingerprint->bits.data(), 24);
    kept.traits = {Timestamp(std::chrono::milliseconds(1'700'000'000'000 + number)), 700'000,
                   SourceId("gate-1")};
    kept.burst_began = kept.traits.taken_at;
    return kept;
  }

 private:
  const std::uint64_t step_;
};

void Write(state::StateStore& store, std::uint64_t images,
           const std::function<stream::StateWrite(std::uint64_t)>& entry_of) {
  for (std::uint64_t done = 0; done < images;) {
    state::WriteBatch batch;
    for (const std::uint64_t end = std::min(done + kBatch, images); done < end; ++done) {
      batch.push_back({kFamily, entry_of(done)});
    }
    Must(store.Commit(batch));
  }
}

void Fill(const std::string& directory, std::uint64_t count) {
  const auto store = OpenState(directory);
  const Images images(count);
  const spec::CollectionSpec spec = Spec();
  Must(store->Commit(
      {{kFamily, {std::string(deduper::kFormatKey), deduper::EncodeFormat(spec.dedup)}}}));
  Write(*store, count, [&](std::uint64_t number) -> stream::StateWrite {
    return {deduper::ContentKey(images.KeptOf(number).sha256, ""),
            deduper::EncodeSequence(number)};
  });
  Write(*store, count, [&](std::uint64_t number) -> stream::StateWrite {
    return {deduper::KeptKey(number), deduper::Encode(images.KeptOf(number))};
  });
  Write(*store, count, [&](std::uint64_t number) -> stream::StateWrite {
    const RecordId id = images.KeptOf(number).id;
    return {deduper::DecisionKey(0, id), deduper::Encode(deduper::Decision{{.cluster = id}, number})};
  });
}

// A record of an image that is kept, as if it came again under another name.
record::ImageRecord Again(const deduper::Kept& kept) {
  record::ImageRecord record = SafeRecord(0);
  record.id = RecordId("again");
  record.fingerprint = kept.fingerprint;
  record.payload = record::SafePayloadForTesting::Make({.bytes = {},
                                                        .media_type = "image/jpeg",
                                                        .sha256 = kept.sha256,
                                                        .left_out = 350'000,
                                                        .in_store = true});
  return record;
}

// It holds what it held: the bytes of the first image, and something like the last.
void MustFindThem(stream::Processor& deduper, const state::Overlay& state, std::uint64_t images) {
  const deduper::Kept first = Images(images).KeptOf(0);
  const stream::Outcome same = Must(deduper.Process(Again(first), state, Timestamp()));
  Require(same.reason == record::Reason::kExactDuplicate && same.record.duplicate->of == first.id,
          "the first image is not found by its bytes");
  deduper::Kept like = Images(images).KeptOf(images - 1);
  like.sha256.fill(0xff);
  like.fingerprint->bits[3] ^= 0x0f0f;
  const stream::Outcome near = Must(deduper.Process(Again(like), state, Timestamp()));
  Require(near.reason == record::Reason::kNearDuplicate && near.record.duplicate->of == like.id,
          "the last image is not found by its looks");
}

void MeasureOpen(const std::string& directory, std::uint64_t images, const char* files) {
  const std::uint64_t disk = BytesIn(directory);
  const auto began = std::chrono::steady_clock::now();
  const auto store = OpenState(directory);
  const double store_seconds = SecondsSince(began);
  const state::Overlay overlay(*store, kFamily);
  const auto deduper = deduper::NewDeduper(Spec());
  ForgetPeak();
  const std::uint64_t before = StatusBytes("VmRSS:");
  const double cpu_before = CpuSeconds();
  const auto opening = std::chrono::steady_clock::now();
  Must(deduper->Open(overlay));
  const double seconds = SecondsSince(opening);
  const double cpu = CpuSeconds() - cpu_before;
  const std::uint64_t peak = StatusBytes("VmHWM:") - before;
  const stream::ViewFigures view = deduper->View();
  Require(view.entries == images, "not all images are there again");
  MustFindThem(*deduper, overlay, images);
  const auto each = [&](std::uint64_t bytes) {
    return static_cast<double>(bytes) / static_cast<double>(images);
  };
  fmt::print("| {} | {} | {:.2f} | {:.2f} | {:.2f} | {:.0f} | {:.1f} | {:.1f} | {:.0f} |\n",
             images, files, store_seconds, seconds, cpu, static_cast<double>(images) / seconds,
             each(view.memory_bytes), each(peak), each(disk));
}

// ---- options -------------------------------------------------------------------------------

struct Options {
  std::vector<std::uint64_t> images = {1'000'000, 10'000'000};
  std::string parent = fs::temp_directory_path();
  bool keep = false;
};

void Measure(const Options& options, std::uint64_t images) {
  const std::string directory = fmt::format("{}/winnow-open-{}", options.parent, images);
  if (!options.keep) fs::remove_all(directory);
  if (!fs::exists(directory)) {
    fs::create_directories(directory);
    const auto began = std::chrono::steady_clock::now();
    InChild([&] { Fill(directory, images); });
    fmt::print(stderr, "{} images filled in {:.0f} s\n", images, SecondsSince(began));
    InChild([&] { OpenState(directory); });  // what was in the log goes to tables
  }
  DropFromCache(directory);
  InChild([&] { MeasureOpen(directory, images, "not in memory"); });
  InChild([&] { MeasureOpen(directory, images, "as just read"); });
  if (!options.keep) fs::remove_all(directory);
}

int Main(int argc, char** argv) {
  Options options;
  CLI::App app("The deduper's Open from the state of many images");
  app.add_option("--images", options.images, "kept in the state")->delimiter(',');
  app.add_option("--directory", options.parent, "where the state is made");
  app.add_flag("--keep", options.keep, "leave the state there, and use the one that is there");
  CLI11_PARSE(app, argc, argv);
  fmt::print("| images | files | RocksDB open s | Open s | CPU s | images/s | view bytes an image "
             "| peak bytes an image | disk bytes an image |\n"
             "|---|---|---|---|---|---|---|---|---|\n");
  for (const std::uint64_t images : options.images) Measure(options, images);
  return 0;
}

}  // namespace
}  // namespace winnow::bench

int main(int argc, char** argv) { return winnow::bench::Main(argc, argv); }
