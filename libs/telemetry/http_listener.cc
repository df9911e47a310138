#include "libs/telemetry/http_listener.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "libs/base/check.h"
#include "libs/telemetry/http_socket.h"

namespace winnow::telemetry {
namespace {

using Routes = std::map<std::string, HttpHandler>;

constexpr int kThreads = 8;
constexpr int kBacklog = 64;
constexpr std::size_t kMostHeadBytes = 16 << 10;
// For the request; for the answer, of which a scrape is up to some hundred kilobytes; and for the
// client to hang up.
constexpr std::chrono::seconds kToAsk{1};
constexpr std::chrono::seconds kToListen{5};
constexpr std::chrono::milliseconds kToLeave{200};

constexpr const char* kText = "text/plain; charset=utf-8";

Deadline In(std::chrono::milliseconds time) { return std::chrono::steady_clock::now() + time; }

std::string_view Phrase(int status) {
  switch (status) {
    case 200: return "OK";
    case 400: return "Bad Request";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 503: return "Service Unavailable";
    default: return "Status";
  }
}

struct Request {
  std::string method;
  std::string path;  // without what follows a "?"
};

// "GET /path?query HTTP/1.1"
std::optional<Request> ParseRequest(std::string_view head) {
  const std::string_view line = head.substr(0, head.find("\r\n"));
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) return std::nullopt;
  const std::string_view target = line.substr(first + 1, last - first - 1);
  if (target.substr(0, 1) != "/" || line.substr(last + 1, 7) != "HTTP/1.") return std::nullopt;
  return Request{std::string(line.substr(0, first)),
                 std::string(target.substr(0, target.find('?')))};
}

HttpAnswer Answer(const Routes& routes, const Request& request) {
  if (request.method != "GET" && request.method != "HEAD") return {405, kText, "GET only\n"};
  const auto route = routes.find(request.path);
  if (route != routes.end()) return route->second();
  std::string known;
  for (const auto& [name, handler] : routes) known += name + "\n";
  return {404, kText, "there is:\n" + known};
}

std::string Format(const HttpAnswer& answer, bool with_body) {
  std::string text = fmt::format(
      "HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nCache-Control: no-store\r\n{}"
      "Connection: close\r\n\r\n",
      answer.status, Phrase(answer.status), answer.content_type, answer.body.size(),
      answer.status == 405 ? "Allow: GET, HEAD\r\n" : "");
  if (with_body) text += answer.body;
  return text;
}

// Up to the empty line that ends it; nullopt if it does not come in time or is too long.
std::optional<std::string> ReadHead(const HttpSocket& socket) {
  const Deadline deadline = In(kToAsk);
  std::string text;
  while (text.find("\r\n\r\n") == std::string::npos) {
    if (text.size() > kMostHeadBytes) return std::nullopt;
    if (socket.Receive(text, deadline) != HttpSocket::Received::kSome) return std::nullopt;
  }
  return text;
}

// Closing a socket with bytes unread resets the connection, and the client may lose the answer.
void HangUp(const HttpSocket& socket) {
  ::shutdown(socket.fd(), SHUT_WR);
  const Deadline deadline = In(kToLeave);
  std::string rest;
  while (rest.size() <= kMostHeadBytes &&
         socket.Receive(rest, deadline) == HttpSocket::Received::kSome) {
  }
}

void Serve(const Routes& routes, const HttpSocket& socket) {
  const std::optional<std::string> head = ReadHead(socket);
  if (!head) return;
  const std::optional<Request> request = ParseRequest(*head);
  const HttpAnswer answer =
      request ? Answer(routes, *request) : HttpAnswer{400, kText, "no HTTP request\n"};
  if (socket.Send(Format(answer, !request || request->method != "HEAD"), In(kToListen))) {
    HangUp(socket);
  }
}

// A numeric address with its port as the system wants it.
struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;

  sockaddr* generic() { return reinterpret_cast<sockaddr*>(&storage); }
};

std::optional<Address> ParseAddress(const HttpOptions& options) {
  Address address;
  auto* const v4 = reinterpret_cast<sockaddr_in*>(&address.storage);
  auto* const v6 = reinterpret_cast<sockaddr_in6*>(&address.storage);
  if (::inet_pton(AF_INET, options.address.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(options.port);
    address.size = sizeof *v4;
  } else if (::inet_pton(AF_INET6, options.address.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(options.port);
    address.size = sizeof *v6;
  } else {
    return std::nullopt;
  }
  return address;
}

// Of the bound socket.
std::uint16_t PortOf(int socket) {
  Address bound;
  bound.size = sizeof bound.storage;
  WINNOW_CHECK(::getsockname(socket, bound.generic(), &bound.size) == 0);
  return ntohs(bound.storage.ss_family == AF_INET
                   ? reinterpret_cast<sockaddr_in*>(&bound.storage)->sin_port
                   : reinterpret_cast<sockaddr_in6*>(&bound.storage)->sin6_port);
}

// 0, or why not.
int Listen(int socket, Address address) {
  const int yes = 1;
  if (socket < 0) return errno;
  // A restart must not wait for the last connections of the process before.
  ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (::bind(socket, address.generic(), address.size) != 0) return errno;
  return ::listen(socket, kBacklog) == 0 ? 0 : errno;
}

}  // namespace

struct HttpListener::Server {
  Server(Routes all, int family)
      : routes(std::move(all)),
        socket(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)),
        stop(::eventfd(0, EFD_CLOEXEC)) {
    WINNOW_CHECK(stop >= 0);
  }
  ~Server() {
    const std::uint64_t one = 1;
    WINNOW_CHECK(::write(stop, &one, sizeof one) == sizeof one);
    for (std::thread& thread : threads) thread.join();
    ::close(stop);
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  void Start() {
    for (int i = 0; i < kThreads; ++i) threads.emplace_back([this] { Run(); });
  }

  // Several threads wait for the same connection; who comes late finds none.
  void Run() const {
    std::array<pollfd, 2> files{pollfd{stop, POLLIN, 0}, pollfd{socket.fd(), POLLIN, 0}};
    while (true) {
      if (::poll(files.data(), files.size(), -1) < 0) continue;  // interrupted
      if (files[0].revents != 0) return;
      const HttpSocket client(::accept4(socket.fd(), nullptr, nullptr,
                                        SOCK_NONBLOCK | SOCK_CLOEXEC));
      if (client.open()) {
        Serve(routes, client);
      } else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
        ::poll(files.data(), 1, 100);  // until somebody closes something, or the end
      }
    }
  }

  const Routes routes;
  const HttpSocket socket;
  const int stop;  // readable: end
  std::vector<std::thread> threads;
};

HttpListener::HttpListener(std::unique_ptr<Server> server, std::uint16_t port)
    : server_(std::move(server)), port_(port) {}
HttpListener::~HttpListener() = default;

Result<std::unique_ptr<HttpListener>> HttpListener::Start(const HttpOptions& options,
                                                          Routes routes) {
  const std::optional<Address> address = ParseAddress(options);
  if (!address) {
    return ConfigError(fmt::format(
        "cannot listen on \"{}\": http.address must be a numeric address of this machine, such as "
        "0.0.0.0 or ::1", options.address));
  }
  auto server = std::make_unique<Server>(std::move(routes), address->storage.ss_family);
  if (const int why = Listen(server->socket.fd(), *address); why != 0) {
    return ConfigError(fmt::format(
        "cannot listen on {}, port {}: {}; choose a free port and an address of this machine "
        "(http.port, http.address; port 0 takes any free one)",
        options.address, options.port, std::strerror(why)));
  }
  const std::uint16_t port = PortOf(server->socket.fd());
  server->Start();
  return std::unique_ptr<HttpListener>(new HttpListener(std::move(server), port));
}

}  // namespace winnow::telemetry
