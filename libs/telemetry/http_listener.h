// One small HTTP server for scrapes and health checks. Not for image traffic: few threads, GET and
// HEAD only, one request per connection. Its threads need no more than the system's usual stack: a
// library with much thread-local storage (OpenBLAS) took civetweb's away, which has 100 kB.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "libs/base/result.h"

namespace winnow::telemetry {

struct HttpAnswer {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
};

// Called from several threads at once; must be quick and must not throw.
using HttpHandler = std::function<HttpAnswer()>;

struct HttpOptions {
  std::string address = "0.0.0.0";  // numeric, IPv4 or IPv6
  std::uint16_t port = 0;           // 0: any free one
};

// Serves until destroyed, which waits for answers under way. A client that sends nothing holds one
// of eight threads for a second, one that does not take its answer for five.
class HttpListener {
 public:
  // `routes` by path ("/metrics"); any other path is 404, another method 405. kConfig if the
  // address cannot be listened on: taken, not of this machine, not numeric, or not allowed.
  static Result<std::unique_ptr<HttpListener>> Start(const HttpOptions& options,
                                                     std::map<std::string, HttpHandler> routes);
  ~HttpListener();
  HttpListener(const HttpListener&) = delete;
  HttpListener& operator=(const HttpListener&) = delete;

  // The one it listens on.
  std::uint16_t port() const { return port_; }

 private:
  struct Server;
  HttpListener(std::unique_ptr<Server> server, std::uint16_t port);

  std::unique_ptr<Server> server_;
  std::uint16_t port_;
};

}  // namespace winnow::telemetry
