// A sink as a process of its own, to be killed: before the n-th file call of its outputs, or from
// outside.
//
//   sink_child BROKERS PREFIX DIRECTORY INSTANCE IDLE_MS KILL_AT
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "tests/integration/sink_setup.h"

namespace winnow::integration {
namespace {

std::atomic<bool> stop{false};

// The process dies before its n-th call; 0: never.
class DeadlyFiles : public dataset::Files {
 public:
  explicit DeadlyFiles(int calls) : left_(calls) {}

  Result<std::unique_ptr<dataset::AppendFile>> OpenAppend(const std::string& path) override {
    return Next().OpenAppend(path);
  }
  Status Truncate(const std::string& path, std::uint64_t length) override {
    return Next().Truncate(path, length);
  }
  Result<dataset::RenameOutcome> RenameNoReplace(const std::string& from,
                                                 const std::string& to) override {
    return Next().RenameNoReplace(from, to);
  }
  Status Replace(const std::string& from, const std::string& to) override {
    return Next().Replace(from, to);
  }
  Status Remove(const std::string& path) override { return Next().Remove(path); }
  Status SyncDirectory(const std::string& path) override { return Next().SyncDirectory(path); }
  Status MakeDirectories(const std::string& path) override { return Next().MakeDirectories(path); }
  Result<std::optional<std::uint64_t>> Size(const std::string& path) override {
    return Next().Size(path);
  }
  Result<std::vector<std::string>> List(const std::string& path) override {
    return Next().List(path);
  }
  Status Read(const std::string& path, std::uint64_t length,
              const std::function<void(std::string_view)>& visit) override {
    return Next().Read(path, length, visit);
  }

 private:
  dataset::Files& Next() {
    if (left_ > 0 && --left_ == 0) _exit(42);
    return dataset::PosixFiles();
  }

  int left_;
};

int Main(char** argv) {
  DeadlyFiles files(std::atoi(argv[6]));
  kafka::SinkOptions options = SinkOptionsOf(argv[1], argv[2], argv[4]);
  options.seal_when_idle = std::chrono::milliseconds(std::atoi(argv[5]));
  options.stop = &stop;
  const Status ended =
      kafka::RunSink(options, SinkProcessors(), SinkOutputs(argv[2], argv[3], files));
  if (ended) return 0;
  std::fprintf(stderr, "%s\n", ended.error().message.c_str());
  return 1;
}

}  // namespace
}  // namespace winnow::integration

int main(int argc, char** argv) {
  if (argc != 7) return 2;
  std::signal(SIGTERM, [](int) { winnow::integration::stop = true; });
  return winnow::integration::Main(argv);
}
