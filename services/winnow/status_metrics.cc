#include "services/winnow/status_metrics.h"

#include <fmt/format.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <memory>
#include <optional>

namespace winnow::cli {
namespace {

using SteadyClock = std::chrono::steady_clock;

// More than any service says; a stream without end is not read to its end.
constexpr std::size_t kMostBytes = 8u << 20;
constexpr std::string_view kScheme = "http://";

// Reads label="value" pairs up to the closing brace; false if that is not what stands there.
bool ParseLabels(std::string_view text, std::size_t& at, Sample& sample) {
  while (at < text.size() && text[at] != '}') {
    const std::size_t equals = text.find("=\"", at);
    if (equals == std::string_view::npos) return false;
    const std::string name(text.substr(at, equals - at));
    std::string value;
    std::size_t i = equals + 2;
    for (; i < text.size() && text[i] != '"'; ++i) {
      if (text[i] == '\\' && i + 1 < text.size()) ++i;
      value += text[i];
    }
    sample.labels[name] = std::move(value);
    at = i + 1;
    if (at < text.size() && text[at] == ',') ++at;
  }
  ++at;
  return at <= text.size();
}

std::optional<Sample> ParseSample(std::string_view line) {
  Sample sample;
  std::size_t at = line.find_first_of("{ ");
  if (line.empty() || line[0] == '#' || at == std::string_view::npos) return std::nullopt;
  sample.name = line.substr(0, at);
  if (line[at] == '{' && !ParseLabels(line, ++at, sample)) return std::nullopt;
  const std::string value(line.substr(std::min(at, line.size())));
  char* end = nullptr;
  sample.value = std::strtod(value.c_str(), &end);
  if (end == value.c_str()) return std::nullopt;
  return sample;
}

struct Url {
  std::string host;
  std::string port;
  std::string path;
};

Result<Url> ParseUrl(const std::string& url) {
  const auto wrong = [&] {
    return ConfigError(fmt::format("'{}' is not a metrics address; write http://host:port", url));
  };
  if (!url.starts_with(kScheme)) return wrong();
  const std::string rest = url.substr(kScheme.size());
  const std::size_t slash = rest.find('/');
  const std::string place = rest.substr(0, slash);
  const std::size_t colon = place.rfind(':');
  if (colon == std::string::npos || colon == 0 || colon + 1 == place.size()) return wrong();
  return Url{place.substr(0, colon), place.substr(colon + 1),
             slash == std::string::npos || slash + 1 == rest.size() ? "/metrics"
                                                                    : rest.substr(slash)};
}

struct FreeAddresses {
  void operator()(addrinfo* addresses) const { freeaddrinfo(addresses); }
};

class Socket {
 public:
  explicit Socket(int fd) : fd_(fd) {}
  ~Socket() {
    if (fd_ >= 0) close(fd_);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  int fd() const { return fd_; }

  bool Await(short events, SteadyClock::time_point deadline) const {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - SteadyClock::now());
    pollfd waiting{fd_, events, 0};
    return left.count() > 0 && poll(&waiting, 1, static_cast<int>(left.count())) == 1;
  }

 private:
  const int fd_;
};

bool Connect(const Socket& socket, const addrinfo& address, SteadyClock::time_point deadline) {
  if (connect(socket.fd(), address.ai_addr, address.ai_addrlen) == 0) return true;
  if (errno != EINPROGRESS || !socket.Await(POLLOUT, deadline)) return false;
  int error = 0;
  socklen_t size = sizeof error;
  return getsockopt(socket.fd(), SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0;
}

// The answer to a request, to the end of the connection; empty if there is none.
std::string Ask(const Socket& socket, const Url& url, SteadyClock::time_point deadline) {
  const std::string request =
      fmt::format("GET {} HTTP/1.0\r\nHost: {}\r\n\r\n", url.path, url.host);
  if (!socket.Await(POLLOUT, deadline) ||
      send(socket.fd(), request.data(), request.size(), MSG_NOSIGNAL) !=
          static_cast<ssize_t>(request.size())) {
    return {};
  }
  std::string answer;
  std::array<char, 16'384> piece{};
  while (answer.size() < kMostBytes && socket.Await(POLLIN, deadline)) {
    const ssize_t size = recv(socket.fd(), piece.data(), piece.size(), 0);
    if (size == 0) return answer;
    if (size < 0 && errno != EAGAIN && errno != EINTR) break;
    if (size > 0) answer.append(piece.data(), static_cast<std::size_t>(size));
  }
  return {};
}

std::string Label(const Sample& sample, const std::string& name) {
  const auto found = sample.labels.find(name);
  return found == sample.labels.end() ? std::string() : found->second;
}

void AddSample(const Sample& sample, StageFigures& figures) {
  if (sample.name == "winnow_records_total") {
    figures.outcomes[Label(sample, "outcome")] += sample.value;
  } else if (sample.name == "winnow_settled_total") {
    figures.settled[Label(sample, "outcome")] += sample.value;
  } else if (sample.name == "winnow_restore_remaining_records") {
    figures.restore_remaining += sample.value;
  } else if (sample.name == "winnow_in_flight_bytes") {
    figures.in_flight_bytes += sample.value;
  } else if (sample.name == "winnow_aborts_total") {
    figures.aborts += sample.value;
  }
}

}  // namespace

std::vector<Sample> ParseMetrics(std::string_view text) {
  std::vector<Sample> samples;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    if (auto sample = ParseSample(text.substr(0, end))) samples.push_back(std::move(*sample));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return samples;
}

Result<std::string> FetchMetrics(const std::string& url, std::chrono::milliseconds timeout) {
  WINNOW_ASSIGN_OR_RETURN(const Url parsed, ParseUrl(url));
  const auto deadline = SteadyClock::now() + timeout;
  const addrinfo wanted{.ai_flags = 0, .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM,
                        .ai_protocol = 0, .ai_addrlen = 0, .ai_addr = nullptr,
                        .ai_canonname = nullptr, .ai_next = nullptr};
  addrinfo* found = nullptr;
  if (getaddrinfo(parsed.host.c_str(), parsed.port.c_str(), &wanted, &found) != 0) {
    return UnavailableError(fmt::format("{}: no such host or port", url));
  }
  const std::unique_ptr<addrinfo, FreeAddresses> addresses(found);
  for (const addrinfo* address = found; address != nullptr; address = address->ai_next) {
    const Socket tried(
        socket(address->ai_family, address->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (tried.fd() < 0 || !Connect(tried, *address, deadline)) continue;
    const std::string answer = Ask(tried, parsed, deadline);
    const std::size_t body = answer.find("\r\n\r\n");
    if (body != std::string::npos && answer.substr(0, answer.find("\r\n")).find(" 200") !=
                                         std::string::npos) {
      return answer.substr(body + 4);
    }
  }
  return UnavailableError(fmt::format("{} does not answer", url));
}

void AddFigures(const std::vector<Sample>& samples, std::map<std::string, StageFigures>& stages) {
  std::map<std::string, bool> ready;
  for (const Sample& sample : samples) {
    const std::string stage = Label(sample, "stage");
    if (stage.empty()) continue;
    AddSample(sample, stages[stage]);
    if (sample.name != "winnow_ready") continue;
    ready.emplace(stage, true);
    ready[stage] = ready[stage] && sample.value == 1;
  }
  for (const auto& [stage, all] : ready) {
    ++stages[stage].answering;
    if (all) ++stages[stage].ready;
  }
}

}  // namespace winnow::cli
