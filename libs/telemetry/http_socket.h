// A stream socket and a deadline. Private to the room.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

namespace winnow::telemetry {

using Deadline = std::chrono::steady_clock::time_point;

// Owns a non-blocking socket. What waits gives up at the deadline it is given. Not thread-safe.
class HttpSocket {
 public:
  enum class Received { kSome, kEnd, kNothing };  // kNothing: too late, or broken

  explicit HttpSocket(int fd) : fd_(fd) {}
  ~HttpSocket();
  HttpSocket(const HttpSocket&) = delete;
  HttpSocket& operator=(const HttpSocket&) = delete;

  int fd() const { return fd_; }
  bool open() const { return fd_ >= 0; }

  // poll(2), for POLLIN or POLLOUT.
  bool Await(short events, Deadline deadline) const;
  // Waits for bytes and appends them to `text`.
  Received Receive(std::string& text, Deadline deadline) const;
  // All of it, or false.
  bool Send(std::string_view text, Deadline deadline) const;

 private:
  const int fd_;
};

}  // namespace winnow::telemetry
