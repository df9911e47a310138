#include "libs/telemetry/http_get.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

namespace winnow::telemetry {
namespace {

constexpr std::chrono::milliseconds kTimeout{5000};
constexpr std::chrono::milliseconds kShort{200};

// Answers one connection with a text of its own choosing; with none it says nothing.
class OneAnswer {
 public:
  explicit OneAnswer(std::string answer) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(socket_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(socket_, 1), 0);
    EXPECT_EQ(::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = std::to_string(ntohs(address.sin_port));
    if (answer.empty()) return;
    thread_ = std::thread([this, answer = std::move(answer)] {
      const int peer = ::accept(socket_, nullptr, nullptr);
      char request[1024];
      EXPECT_GT(::recv(peer, request, sizeof request, 0), 0);
      EXPECT_EQ(::send(peer, answer.data(), answer.size(), 0),
                static_cast<ssize_t>(answer.size()));
      ::close(peer);
    });
  }
  ~OneAnswer() {
    if (thread_.joinable()) thread_.join();
    ::close(socket_);
  }

  HttpPlace place() const { return {"127.0.0.1", port_, "/healthz"}; }

 private:
  int socket_;
  std::string port_;
  std::thread thread_;
};

TEST(HttpGetTest, ReadsWhatAListenerSays) {
  const auto listener =
      HttpListener::Start({"127.0.0.1", 0}, {{"/healthz", [] {
                            return HttpAnswer{503, "application/json", "{\"alive\":false}\n"};
                          }}});
  ASSERT_TRUE(listener) << listener.error().message;
  const std::string port = std::to_string((*listener)->port());
  const auto answer = HttpGet({"localhost", port, "/healthz"}, kTimeout);
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->status, 503);
  EXPECT_EQ(answer->body, "{\"alive\":false}\n");
  EXPECT_EQ(HttpGet({"127.0.0.1", port, "/nowhere"}, kTimeout)->status, 404);
}

TEST(HttpGetTest, TakesNoAnswerThatIsNotHttp) {
  for (const char* text : {"220 mail ready\r\n\r\n", "HTTP/1.1 \r\n\r\n", "HTTP/1.1 200 OK\r\n",
                           "HTTP/1.1\r\n\r\n 200", "HTTP/1.1 x\r\n\r\n"}) {
    const OneAnswer server(text);
    const auto answer = HttpGet(server.place(), kTimeout);
    ASSERT_FALSE(answer) << text;
    EXPECT_EQ(answer.error().code, ErrorCode::kUnavailable);
  }
}

TEST(HttpGetTest, GivesUpOnAServerThatSaysNothing) {
  const OneAnswer server("");
  const auto began = std::chrono::steady_clock::now();
  const auto answer = HttpGet(server.place(), kShort);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().message,
            "127.0.0.1:" + server.place().port + " does not answer (Read)");
  EXPECT_GE(std::chrono::steady_clock::now() - began, kShort - std::chrono::milliseconds(5));
}

TEST(HttpGetTest, NamesAHostThatIsNotThere) {
  EXPECT_EQ(HttpGet({"no such host", "1", "/"}, kShort).error().message,
            "no such host:1 does not answer (Connection)");
}

}  // namespace
}  // namespace winnow::telemetry
