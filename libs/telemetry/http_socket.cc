#include "libs/telemetry/http_socket.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace winnow::telemetry {
namespace {

bool TryAgain() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

}  // namespace

HttpSocket::~HttpSocket() {
  if (open()) ::close(fd_);
}

bool HttpSocket::Await(short events, Deadline deadline) const {
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) return false;
    pollfd waiting{fd_, events, 0};
    const int ready = ::poll(&waiting, 1, static_cast<int>(left.count()));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return false;
  }
}

HttpSocket::Received HttpSocket::Receive(std::string& text, Deadline deadline) const {
  std::array<char, 16'384> piece{};
  while (Await(POLLIN, deadline)) {
    const ssize_t size = ::recv(fd_, piece.data(), piece.size(), 0);
    if (size == 0) return Received::kEnd;
    if (size > 0) {
      text.append(piece.data(), static_cast<std::size_t>(size));
      return Received::kSome;
    }
    if (!TryAgain()) break;
  }
  return Received::kNothing;
}

bool HttpSocket::Send(std::string_view text, Deadline deadline) const {
  while (!text.empty() && Await(POLLOUT, deadline)) {
    const ssize_t size = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
    if (size > 0) {
      text.remove_prefix(static_cast<std::size_t>(size));
    } else if (!TryAgain()) {
      return false;
    }
  }
  return text.empty();
}

}  // namespace winnow::telemetry
