// The other end of HttpListener: asks one process for one page.
#pragma once

#include <chrono>
#include <string>

#include "libs/base/result.h"
#include "libs/telemetry/http_listener.h"

namespace winnow::telemetry {

struct HttpPlace {
  std::string host;  // name or numeric address, IPv6 without brackets
  std::string port;
  std::string path = "/";
};

// Whatever status it answers with, content type left out. Plain HTTP, no redirects, 8 MiB at most.
// `timeout` holds for the whole of it but the look-up of a name. kUnavailable, saying which host and
// port, if nobody answers in time.
Result<HttpAnswer> HttpGet(const HttpPlace& place, std::chrono::milliseconds timeout);

}  // namespace winnow::telemetry
