#include "libs/state/engine_log.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <array>
#include <chrono>
#include <cstdarg>
#include <cstdio>
#include <filesystem>
#include <system_error>

namespace winnow::state {
namespace {

class EngineLog final : public rocksdb::Logger {
 public:
  explicit EngineLog(std::FILE* file) : file_(file) {}
  ~EngineLog() override {
    if (file_ != nullptr) std::fclose(file_);
  }

  using rocksdb::Logger::Logv;
  void Logv(const char* format, std::va_list arguments) override {
    if (file_ == nullptr) return;
    std::array<char, kLongestLine> text;
    std::vsnprintf(text.data(), text.size(), format, arguments);
    const auto now = std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
    // One call a line: threads do not write into each other's. What does not fit is lost.
    const std::string line = fmt::format("{:%Y/%m/%d-%H:%M:%S} {}\n", now, text.data());
    std::fwrite(line.data(), 1, line.size(), file_);
  }

 private:
  static constexpr std::size_t kLongestLine = 16384;  // the statistics are pages

  std::FILE* const file_;
};

}  // namespace

std::shared_ptr<rocksdb::Logger> OpenEngineLog(const std::string& directory) {
  const std::string path = directory + "/LOG";
  std::error_code not_there;  // nothing depends on the log
  std::filesystem::create_directories(directory, not_there);
  std::filesystem::rename(path, path + ".old", not_there);
  std::FILE* const file = std::fopen(path.c_str(), "we");
  if (file != nullptr) std::setvbuf(file, nullptr, _IOLBF, 0);
  return std::make_shared<EngineLog>(file);
}

}  // namespace winnow::state
