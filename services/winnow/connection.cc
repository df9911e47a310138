#include "services/winnow/connection.h"

#include <fmt/format.h>

#include "libs/dataset/files.h"

namespace winnow::cli {
namespace {

// Without the line end that editors leave behind a password.
Result<std::string> ReadSecret(const std::string& path) {
  WINNOW_ASSIGN_OR_RETURN(const auto size, dataset::PosixFiles().Size(path));
  if (!size) return ConfigError(fmt::format("there is no file {}", path));
  std::string text;
  const Status read = dataset::PosixFiles().Read(
      path, *size, [&](std::string_view piece) { text.append(piece); });
  if (!read) return ConfigError(read.error().message);
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  return text;
}

}  // namespace

Result<kafka::ClientConfig> ClientOf(const ConnectionOptions& options) {
  kafka::ClientConfig config;
  config.brokers = options.brokers;
  for (const std::string& property : options.properties) {
    const std::size_t equals = property.find('=');
    if (equals == 0 || equals == std::string::npos) {
      // The text may hold a secret that lost its name.
      return ConfigError("--property must be NAME=VALUE or NAME=@FILE");
    }
    std::string value = property.substr(equals + 1);
    if (value.starts_with('@')) {
      WINNOW_ASSIGN_OR_RETURN(value, ReadSecret(value.substr(1)));
    }
    config.properties[property.substr(0, equals)] = std::move(value);
  }
  return config;
}

}  // namespace winnow::cli
