#include "libs/telemetry/http_listener.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>
#include <vector>

namespace winnow::telemetry {
namespace {

class Connection {
 public:
  explicit Connection(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    timeval patience{20, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    connected_ = ::connect(socket_, reinterpret_cast<const sockaddr*>(&address),
                           sizeof address) == 0;
  }
  ~Connection() { ::close(socket_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  int socket() const { return socket_; }
  bool connected() const { return connected_; }
  void Send(const std::string& text) {
    EXPECT_EQ(::send(socket_, text.data(), text.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(text.size()));
  }
  std::string ReadAll() {
    std::string all;
    char buffer[4096];
    for (ssize_t n = 0; (n = ::recv(socket_, buffer, sizeof buffer, 0)) > 0;) {
      all.append(buffer, static_cast<std::size_t>(n));
    }
    return all;
  }

 private:
  int socket_;
  bool connected_ = false;
};

std::string Ask(std::uint16_t port, const std::string& method, const std::string& path) {
  Connection connection(port);
  EXPECT_TRUE(connection.connected());
  connection.Send(method + " " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
  return connection.ReadAll();
}

Result<std::unique_ptr<HttpListener>> Listen(std::uint16_t port = 0,
                                             const std::string& address = "127.0.0.1") {
  return HttpListener::Start(
      {address, port},
      {{"/good", [] { return HttpAnswer{200, "text/plain", "all is well\n"}; }},
       {"/bad", [] { return HttpAnswer{503, "application/json", "{}"}; }}});
}

class HttpListenerTest : public testing::Test {
 protected:
  std::unique_ptr<HttpListener> listener_ = Listen().value();
};

TEST_F(HttpListenerTest, AnswersWhatTheHandlerSays) {
  const std::string good = Ask(listener_->port(), "GET", "/good");
  EXPECT_EQ(good.rfind("HTTP/1.1 200 OK\r\n", 0), 0u) << good;
  EXPECT_NE(good.find("\r\nContent-Type: text/plain\r\n"), std::string::npos);
  EXPECT_NE(good.find("\r\n\r\nall is well\n"), std::string::npos);
  EXPECT_EQ(Ask(listener_->port(), "GET", "/bad").rfind("HTTP/1.1 503 ", 0), 0u);
  EXPECT_EQ(Ask(listener_->port(), "GET", "/good?x=1").rfind("HTTP/1.1 200 ", 0), 0u);
}

TEST_F(HttpListenerTest, HasNothingElse) {
  for (const char* path : {"/", "/goo", "/good/", "/good/x", "/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd",
                           "/GOOD"}) {
    const std::string answer = Ask(listener_->port(), "GET", path);
    EXPECT_TRUE(answer.rfind("HTTP/1.1 404 ", 0) == 0 || answer.rfind("HTTP/1.1 400 ", 0) == 0)
        << path << ": " << answer;
  }
}

TEST_F(HttpListenerTest, OnlyReads) {
  for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS"}) {
    EXPECT_EQ(Ask(listener_->port(), method, "/good").rfind("HTTP/1.1 405 ", 0), 0u) << method;
  }
  const std::string head = Ask(listener_->port(), "HEAD", "/good");
  EXPECT_EQ(head.rfind("HTTP/1.1 200 ", 0), 0u);
  EXPECT_EQ(head.find("all is well"), std::string::npos);
}

TEST_F(HttpListenerTest, SurvivesWhatIsNotHttp) {
  for (const std::string& text :
       {std::string("\0\xff\x16\x03\x01", 5) + std::string(5000, 'x'), std::string("GET\r\n\r\n"),
        std::string("GET /good HTTP/9.9\r\n\r\n"), "GET /" + std::string(100'000, 'y')}) {
    Connection connection(listener_->port());
    ASSERT_TRUE(connection.connected());
    // Part of it may meet a closed door.
    ::send(connection.socket(), text.data(), text.size(), MSG_NOSIGNAL);
  }
  EXPECT_EQ(Ask(listener_->port(), "GET", "/good").rfind("HTTP/1.1 200 ", 0), 0u);
}

TEST_F(HttpListenerTest, AnswersWhileOthersSayNothing) {
  std::vector<std::unique_ptr<Connection>> silent;
  for (int i = 0; i < 12; ++i) silent.push_back(std::make_unique<Connection>(listener_->port()));
  EXPECT_EQ(Ask(listener_->port(), "GET", "/good").rfind("HTTP/1.1 200 ", 0), 0u);
}

// What OpenBLAS and librdkafka bring together; civetweb's threads had not enough stack left.
thread_local char thread_local_storage[128 << 10];

TEST_F(HttpListenerTest, AnswersBesideLibrariesWithMuchThreadLocalStorage) {
  thread_local_storage[0] = 1;
  EXPECT_EQ(Ask(listener_->port(), "GET", "/good").rfind("HTTP/1.1 200 ", 0), 0u);
}

TEST_F(HttpListenerTest, SendsALongAnswerWhole) {
  const std::string body(3 << 20, 'z');
  const auto listener =
      HttpListener::Start({"127.0.0.1", 0}, {{"/long", [&] { return HttpAnswer{200, "", body}; }}});
  const std::string answer = Ask((*listener)->port(), "GET", "/long");
  EXPECT_EQ(answer.size() - answer.find("\r\n\r\n") - 4, body.size());
}

TEST_F(HttpListenerTest, AnswersAClientThatAsksInPieces) {
  Connection connection(listener_->port());
  for (const char* piece : {"GE", "T /good HT", "TP/1.0\r", "\n\r", "\n"}) connection.Send(piece);
  EXPECT_EQ(connection.ReadAll().rfind("HTTP/1.1 200 ", 0), 0u);
}

TEST_F(HttpListenerTest, ListensOnIpv6) {
  const auto listener = Listen(0, "::1");
  if (!listener) GTEST_SKIP() << "no IPv6 here: " << listener.error().message;
  EXPECT_GT((*listener)->port(), 0);
}

TEST_F(HttpListenerTest, AnswersSeveralAtOnce) {
  std::atomic<int> good = 0;
  std::vector<std::thread> clients;
  for (int i = 0; i < 8; ++i) {
    clients.emplace_back([&] {
      for (int k = 0; k < 20; ++k) {
        good += Ask(listener_->port(), "GET", "/good").rfind("HTTP/1.1 200 ", 0) == 0 ? 1 : 0;
      }
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(good, 160);
}

TEST_F(HttpListenerTest, RefusesAPortInUse) {
  const auto second = Listen(listener_->port());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kConfig);
  EXPECT_NE(second.error().message.find(std::to_string(listener_->port())), std::string::npos)
      << second.error().message;
}

TEST_F(HttpListenerTest, RefusesAnAddressThatIsNone) {
  for (const char* address : {"192.0.2.1", "no.such.host.invalid", "", "127.0.0.1,0.0.0.0:1", "x"}) {
    const auto listener = Listen(0, address);
    ASSERT_FALSE(listener) << address;
    EXPECT_EQ(listener.error().code, ErrorCode::kConfig);
  }
}

TEST_F(HttpListenerTest, StopsListeningWhenDestroyed) {
  const std::uint16_t port = listener_->port();
  listener_.reset();
  EXPECT_FALSE(Connection(port).connected());
}

}  // namespace
}  // namespace winnow::telemetry
