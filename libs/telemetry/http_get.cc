#include "libs/telemetry/http_get.h"

#include <fmt/format.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <charconv>
#include <memory>
#include <optional>
#include <string_view>

#include "libs/telemetry/http_socket.h"

namespace winnow::telemetry {
namespace {

// More than any service says; a stream without end is not read to its end.
constexpr std::size_t kMostBytes = 8u << 20;
constexpr std::string_view kHeadEnd = "\r\n\r\n";

struct FreeAddresses {
  void operator()(addrinfo* addresses) const { freeaddrinfo(addresses); }
};
using Addresses = std::unique_ptr<addrinfo, FreeAddresses>;

Addresses LookUp(const HttpPlace& place) {
  const addrinfo wanted{.ai_flags = 0, .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM,
                        .ai_protocol = 0, .ai_addrlen = 0, .ai_addr = nullptr,
                        .ai_canonname = nullptr, .ai_next = nullptr};
  addrinfo* found = nullptr;
  if (::getaddrinfo(place.host.c_str(), place.port.c_str(), &wanted, &found) != 0) return nullptr;
  return Addresses(found);
}

bool Connect(const HttpSocket& socket, const addrinfo& address, Deadline deadline) {
  if (!socket.open()) return false;
  if (::connect(socket.fd(), address.ai_addr, address.ai_addrlen) == 0) return true;
  if (errno != EINPROGRESS || !socket.Await(POLLOUT, deadline)) return false;
  int error = 0;
  socklen_t size = sizeof error;
  return ::getsockopt(socket.fd(), SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0;
}

// All that comes up to the end of the connection; empty if that end is not seen.
std::string Ask(const HttpSocket& socket, const HttpPlace& place, Deadline deadline) {
  const std::string request =
      fmt::format("GET {} HTTP/1.0\r\nHost: {}\r\n\r\n", place.path, place.host);
  if (!socket.Send(request, deadline)) return {};
  std::string answer;
  auto received = HttpSocket::Received::kSome;
  while (answer.size() < kMostBytes && received == HttpSocket::Received::kSome) {
    received = socket.Receive(answer, deadline);
  }
  return received == HttpSocket::Received::kEnd ? answer : std::string();
}

// "HTTP/1.1 200 OK", header lines, an empty line, the body.
std::optional<HttpAnswer> ParseAnswer(const std::string& text) {
  const std::size_t head_end = text.find(kHeadEnd);
  const std::size_t space = text.find(' ');
  if (text.rfind("HTTP/", 0) != 0 || head_end == std::string::npos || space > head_end) {
    return std::nullopt;
  }
  HttpAnswer answer;
  const char* const digits = text.data() + space + 1;
  const auto parsed = std::from_chars(digits, text.data() + head_end, answer.status);
  if (parsed.ec != std::errc() || parsed.ptr == digits) return std::nullopt;
  answer.content_type.clear();
  answer.body = text.substr(head_end + kHeadEnd.size());
  return answer;
}

}  // namespace

Result<HttpAnswer> HttpGet(const HttpPlace& place, std::chrono::milliseconds timeout) {
  const Deadline deadline = std::chrono::steady_clock::now() + timeout;
  const Addresses addresses = LookUp(place);
  if (!addresses) {
    return UnavailableError(fmt::format("{}:{}: no such host or port", place.host, place.port));
  }
  for (const addrinfo* address = addresses.get(); address; address = address->ai_next) {
    const HttpSocket socket(::socket(address->ai_family,
                                     address->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!Connect(socket, *address, deadline)) continue;
    if (auto answer = ParseAnswer(Ask(socket, place, deadline))) return *std::move(answer);
  }
  return UnavailableError(fmt::format("{}:{} does not answer", place.host, place.port));
}

}  // namespace winnow::telemetry
