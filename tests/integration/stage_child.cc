// A test stage as a process of its own, to be killed: at the n-th pass of a crash point, or from
// outside.
//
//   stage_child STAGE BROKERS PREFIX DIRECTORY INSTANCE [CRASH_POINT N]
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "tests/integration/test_stages.h"

namespace {

std::atomic<bool> stop{false};

}  // namespace

int main(int argc, char** argv) {
  using winnow::kafka::CrashPoint;
  if (argc != 6 && argc != 8) return 2;
  std::signal(SIGTERM, [](int) { stop = true; });
  auto options = winnow::integration::OptionsOf(argv[1], argv[2], argv[3], argv[4]);
  options.instance = argv[5];
  options.stop = &stop;
  if (argc == 8) {
    const auto fatal = static_cast<CrashPoint>(std::atoi(argv[6]));
    options.at_crash_point = [fatal, left = std::atoi(argv[7])](CrashPoint point) mutable {
      if (point == fatal && --left == 0) _exit(42);
    };
  }
  const winnow::Status ended =
      winnow::kafka::RunStage(options, winnow::integration::FactoryOf(argv[1]));
  if (ended) return 0;
  std::fprintf(stderr, "%s\n", ended.error().message.c_str());
  return 1;
}
