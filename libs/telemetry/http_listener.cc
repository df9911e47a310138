#include "libs/telemetry/http_listener.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <httplib.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <optional>
#include <string_view>
#include <thread>
#include <utility>

namespace winnow::telemetry {
namespace {

using Routes = std::map<std::string, HttpHandler>;

constexpr std::size_t kThreads = 8;
constexpr time_t kSecondsToAsk = 1;
constexpr time_t kSecondsToListen = 5;  // a scrape is up to some hundred kilobytes

HttpAnswer Answer(const Routes& routes, const httplib::Request& request) {
  if (request.method != "GET" && request.method != "HEAD") {
    return {405, "text/plain; charset=utf-8", "GET only\n"};
  }
  const auto route = routes.find(request.path);
  if (route != routes.end()) return route->second();
  std::string known;
  for (const auto& [path, handler] : routes) known += path + "\n";
  return {404, "text/plain; charset=utf-8", "there is:\n" + known};
}

std::optional<int> FamilyOf(const std::string& address) {
  in6_addr parsed{};
  for (const int family : {AF_INET, AF_INET6}) {
    if (::inet_pton(family, address.c_str(), &parsed) == 1) return family;
  }
  return std::nullopt;
}

}  // namespace

struct HttpListener::Server {
  explicit Server(Routes all) : routes(std::move(all)) {
    http.new_task_queue = [] { return new httplib::ThreadPool(kThreads); };
    http.set_keep_alive_max_count(1);
    http.set_keep_alive_timeout(kSecondsToAsk);
    http.set_read_timeout(kSecondsToAsk);
    http.set_write_timeout(kSecondsToListen);
    // The library's own are SO_REUSEPORT: two processes would share a port and nobody be told.
    http.set_socket_options([](socket_t socket) {
      const int yes = 1;
      ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    });
    http.set_pre_routing_handler(
        [this](const httplib::Request& request, httplib::Response& response) {
          HttpAnswer answer = Answer(routes, request);
          response.status = answer.status;
          response.set_content(std::move(answer.body), answer.content_type);
          response.set_header("Cache-Control", "no-store");
          if (answer.status == 405) response.set_header("Allow", "GET, HEAD");
          return httplib::Server::HandlerResponse::Handled;
        });
  }
  ~Server() {
    if (!thread.joinable()) return;
    http.stop();
    thread.join();
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // The port; nullopt, with errno saying why, if there is none.
  std::optional<std::uint16_t> Bind(const HttpOptions& options) {
    if (options.port == 0) {
      const int port = http.bind_to_any_port(options.address);
      return port > 0 ? std::optional(static_cast<std::uint16_t>(port)) : std::nullopt;
    }
    return http.bind_to_port(options.address, options.port) ? std::optional(options.port)
                                                            : std::nullopt;
  }

  void Start() {
    thread = std::thread([this] { http.listen_after_bind(); });
    // Until then it could not be stopped.
    while (!http.is_running()) std::this_thread::yield();
  }

  const Routes routes;
  httplib::Server http;
  std::thread thread;
};

HttpListener::HttpListener(std::unique_ptr<Server> server, std::uint16_t port)
    : server_(std::move(server)), port_(port) {}
HttpListener::~HttpListener() = default;

Result<std::unique_ptr<HttpListener>> HttpListener::Start(const HttpOptions& options,
                                                          Routes routes) {
  const std::optional<int> family = FamilyOf(options.address);
  if (!family) {
    return ConfigError(fmt::format(
        "cannot listen on \"{}\": http.address must be a numeric address of this machine, such as "
        "0.0.0.0 or ::1", options.address));
  }
  auto server = std::make_unique<Server>(std::move(routes));
  server->http.set_address_family(*family);
  const std::optional<std::uint16_t> port = server->Bind(options);
  if (!port) {
    return ConfigError(fmt::format(
        "cannot listen on {}, port {}: {}; choose a free port and an address of this machine "
        "(http.port, http.address; port 0 takes any free one)",
        options.address, options.port, std::strerror(errno)));
  }
  server->Start();
  return std::unique_ptr<HttpListener>(new HttpListener(std::move(server), *port));
}

}  // namespace winnow::telemetry
