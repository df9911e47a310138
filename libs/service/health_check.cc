#include "libs/service/health_check.h"

#include <fmt/format.h>

#include "libs/telemetry/http_get.h"

namespace winnow::service {
namespace {

constexpr const char* kPath = "/healthz";

std::string WithoutLineEnd(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  return text;
}

}  // namespace

std::string AskedAddress(const std::string& address) {
  if (address == "0.0.0.0") return "127.0.0.1";
  if (address == "::") return "::1";
  return address;
}

Status CheckHealth(const HttpConfig& http, std::chrono::milliseconds timeout) {
  if (http.port == 0) {
    return ConfigError("http.port is 0, any free port, and cannot be asked: give it a number");
  }
  const std::string address = AskedAddress(http.address);
  const std::string port = std::to_string(http.port);
  WINNOW_ASSIGN_OR_RETURN(const telemetry::HttpAnswer answer,
                          telemetry::HttpGet({address, port, kPath}, timeout));
  if (answer.status == 200) return {};
  return UnavailableError(fmt::format("{}:{}{} answers {}: {}", address, port, kPath,
                                      answer.status, WithoutLineEnd(answer.body)));
}

}  // namespace winnow::service
