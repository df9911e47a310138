#include "libs/telemetry/http_listener.h"

#include <arpa/inet.h>
#include <civetweb.h>
#include <fmt/format.h>

#include <array>
#include <string_view>
#include <utility>

namespace winnow::telemetry {
namespace {

using Routes = std::map<std::string, HttpHandler>;

std::string_view Phrase(int status) {
  switch (status) {
    case 200: return "OK";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 503: return "Service Unavailable";
    default: return "Status";
  }
}

HttpAnswer Answer(const Routes& routes, std::string_view method, const std::string& path) {
  if (method != "GET" && method != "HEAD") return {405, "text/plain; charset=utf-8", "GET only\n"};
  const auto route = routes.find(path);
  if (route != routes.end()) return route->second();
  std::string known;
  for (const auto& [name, handler] : routes) known += name + "\n";
  return {404, "text/plain; charset=utf-8", "there is:\n" + known};
}

void Send(mg_connection* connection, const HttpAnswer& answer, bool with_body) {
  const std::string head = fmt::format(
      "HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nCache-Control: no-store\r\n{}"
      "Connection: close\r\n\r\n",
      answer.status, Phrase(answer.status), answer.content_type, answer.body.size(),
      answer.status == 405 ? "Allow: GET, HEAD\r\n" : "");
  mg_write(connection, head.data(), head.size());
  if (with_body) mg_write(connection, answer.body.data(), answer.body.size());
}

int OnRequest(mg_connection* connection) {
  const mg_request_info* const request = mg_get_request_info(connection);
  const auto& routes = *static_cast<const Routes*>(request->user_data);
  const std::string_view method = request->request_method;
  const char* const path = request->local_uri != nullptr ? request->local_uri : "";
  const HttpAnswer answer = Answer(routes, method, path);
  Send(connection, answer, method != "HEAD");
  return answer.status;  // handled: civetweb does nothing more
}

int DropLog(const mg_connection*, const char*) { return 1; }

bool IsNumeric(const std::string& address) {
  in6_addr any{};  // room for both kinds
  return inet_pton(AF_INET, address.c_str(), &any) == 1 ||
         inet_pton(AF_INET6, address.c_str(), &any) == 1;
}

std::string ListenOn(const HttpOptions& options) {
  const bool v6 = options.address.find(':') != std::string::npos;
  return fmt::format("{}:{}", v6 ? "[" + options.address + "]" : options.address, options.port);
}

}  // namespace

struct HttpListener::Server {
  Routes routes;
  mg_context* context = nullptr;

  ~Server() {
    if (context != nullptr) mg_stop(context);
  }
};

HttpListener::HttpListener(std::unique_ptr<Server> server, std::uint16_t port)
    : server_(std::move(server)), port_(port) {}
HttpListener::~HttpListener() = default;

Result<std::unique_ptr<HttpListener>> HttpListener::Start(const HttpOptions& options,
                                                          Routes routes) {
  // Also because civetweb would take a list of addresses here.
  if (!IsNumeric(options.address)) {
    return ConfigError(fmt::format(
        "cannot listen on \"{}\": http.address must be a numeric address of this machine, such as "
        "0.0.0.0 or ::1", options.address));
  }
  // Once, and never undone: civetweb counts starts, and is used to the end of the process.
  static const unsigned library = mg_init_library(MG_FEATURES_DEFAULT);
  static_cast<void>(library);
  auto server = std::make_unique<Server>();
  server->routes = std::move(routes);
  mg_callbacks callbacks{};
  callbacks.begin_request = OnRequest;
  callbacks.log_message = DropLog;
  callbacks.log_access = DropLog;
  const std::string listen_on = ListenOn(options);
  std::array settings{"listening_ports", listen_on.c_str(), "num_threads", "8",
                      "request_timeout_ms", "1000", "enable_keep_alive", "no",
                      "enable_directory_listing", "no", static_cast<const char*>(nullptr)};
  std::array<char, 256> text{};
  unsigned code = 0;
  mg_init_data init{&callbacks, &server->routes, settings.data()};
  mg_error_data error{&code, text.data(), text.size()};
  server->context = mg_start2(&init, &error);
  mg_server_port port{};
  if (server->context == nullptr || mg_get_server_ports(server->context, 1, &port) != 1) {
    return ConfigError(fmt::format(
        "cannot listen on {}: {}; choose a free port and an address of this machine (http.port, "
        "http.address; port 0 takes any free one)",
        listen_on, text[0] == '\0' ? "the address cannot be used" : text.data()));
  }
  return std::unique_ptr<HttpListener>(
      new HttpListener(std::move(server), static_cast<std::uint16_t>(port.port)));
}

}  // namespace winnow::telemetry
