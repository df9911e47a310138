#include "libs/telemetry/http_get.h"

#include <fmt/format.h>
#include <httplib.h>

#include <charconv>

namespace winnow::telemetry {
namespace {

// More than any service says; a stream without end is not read to its end.
constexpr std::size_t kMostBytes = 8u << 20;

Error NoAnswer(const HttpPlace& place, httplib::Error why) {
  return UnavailableError(fmt::format("{}:{} does not answer ({})", place.host, place.port,
                                      httplib::to_string(why)));
}

}  // namespace

Result<HttpAnswer> HttpGet(const HttpPlace& place, std::chrono::milliseconds timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  int port = 0;
  std::from_chars(place.port.data(), place.port.data() + place.port.size(), port);
  httplib::Client client(place.host, port);
  client.set_connection_timeout(timeout);
  client.set_read_timeout(timeout);
  client.set_write_timeout(timeout);
  HttpAnswer answer;
  const auto result = client.Get(place.path, [&](const char* piece, std::size_t size) {
    answer.body.append(piece, size);
    return answer.body.size() <= kMostBytes && std::chrono::steady_clock::now() < deadline;
  });
  if (!result) return NoAnswer(place, result.error());
  answer.status = result->status;
  answer.content_type = result->get_header_value("Content-Type");
  return answer;
}

}  // namespace winnow::telemetry
