#include "services/winnow/status_metrics.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <thread>

namespace winnow::cli {
namespace {

TEST(ParseMetricsTest, ReadsSamplesAndPassesOverTheRest) {
  const auto samples = ParseMetrics(
      "# HELP a_total Text { \" }\n# TYPE a_total counter\n"
      "a_total{stage=\"sink\",reason=\"with \\\"quotes\\\", commas } and braces\"} 12.5\n"
      "plain 3\r\n\nnot a sample\nbroken{a=\"b\nvalue_missing{a=\"b\"}\n");
  ASSERT_EQ(samples.size(), 2u);
  EXPECT_EQ(samples[0].name, "a_total");
  EXPECT_EQ(samples[0].labels.at("reason"), "with \"quotes\", commas } and braces");
  EXPECT_EQ(samples[0].value, 12.5);
  EXPECT_EQ(samples[1].name, "plain");
  EXPECT_EQ(samples[1].value, 3);
}

TEST(AddFiguresTest, AddsInstancesUp) {
  const auto instance = [](int stored, int ready) {
    return ParseMetrics("winnow_records_total{stage=\"sink\",outcome=\"stored\",reason=\"none\"} " +
                        std::to_string(stored) + "\nwinnow_ready{stage=\"sink\",check=\"a\"} 1\n" +
                        "winnow_ready{stage=\"sink\",check=\"b\"} " + std::to_string(ready) +
                        "\n");
  };
  std::map<std::string, StageFigures> stages;
  AddFigures(instance(3, 1), stages);
  AddFigures(instance(4, 0), stages);
  EXPECT_EQ(stages["sink"].outcomes["stored"], 7);
  EXPECT_EQ(stages["sink"].answering, 2);
  EXPECT_EQ(stages["sink"].ready, 1);
}

// Answers one connection with the same bytes, whatever it is asked.
class OneAnswer {
 public:
  explicit OneAnswer(std::string answer) : socket_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(bind(socket_, generic, size), 0);
    EXPECT_EQ(listen(socket_, 1), 0);
    EXPECT_EQ(getsockname(socket_, generic, &size), 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this, answer = std::move(answer)] {
      const int connection = accept(socket_, nullptr, nullptr);
      char request[1024];
      EXPECT_GT(recv(connection, request, sizeof request, 0), 0);
      EXPECT_EQ(send(connection, answer.data(), answer.size(), MSG_NOSIGNAL),
                static_cast<ssize_t>(answer.size()));
      close(connection);
    });
  }
  ~OneAnswer() {
    thread_.join();
    close(socket_);
  }
  OneAnswer(const OneAnswer&) = delete;
  OneAnswer& operator=(const OneAnswer&) = delete;

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

 private:
  const int socket_;
  int port_ = 0;
  std::thread thread_;
};

constexpr std::chrono::milliseconds kTimeout{5'000};

TEST(FetchMetricsTest, ReadsTheBodyOfAnAnswer) {
  const OneAnswer server("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\na 1\n");
  const auto text = FetchMetrics(server.url(), kTimeout);
  ASSERT_TRUE(text) << text.error().message;
  EXPECT_EQ(*text, "a 1\n");
}

TEST(FetchMetricsTest, TakesNothingButSuccess) {
  const OneAnswer server("HTTP/1.1 503 Not now\r\n\r\n200 a 1\n");
  EXPECT_EQ(FetchMetrics(server.url(), kTimeout).error().code, ErrorCode::kUnavailable);
}

TEST(FetchMetricsTest, RefusesWhatIsNoAddress) {
  for (const char* url : {"", "localhost:1", "https://localhost:1", "http://localhost", "http://:1",
                          "http://localhost:"}) {
    EXPECT_EQ(FetchMetrics(url, kTimeout).error().code, ErrorCode::kConfig) << url;
  }
}

}  // namespace
}  // namespace winnow::cli
