#include "libs/kafka/record_producer.h"

#include <fmt/format.h>

#include <utility>

#include "libs/kafka/admin.h"

namespace winnow::kafka {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr int kPollMs = 100;
// What librdkafka takes per message besides the bytes, so that many small ones are bounded, too.
constexpr std::uint64_t kOverhead = 512;

struct Pending {
  std::string what;
  std::string key;
  std::optional<std::string> value;  // librdkafka reads it where it is
  std::function<void(Status)> done = nullptr;

  std::uint64_t bytes() const { return (value ? value->size() : 0) + key.size() + kOverhead; }
};

class Producer : public RecordProducer {
 public:
  Producer(const ClientConfig& config, std::uint64_t max_bytes)
      : config_(config), max_bytes_(max_bytes), delivered_(*this) {}

  Status Connect() {
    WINNOW_ASSIGN_OR_RETURN(client_,
                            NewClient(RD_KAFKA_PRODUCER, config_,
                                      {{"enable.idempotence", "true"},
                                       {"acks", "all"},
                                       {"compression.codec", "none"},
                                       {"partitioner", "murmur2_random"},
                                       {"linger.ms", "5"},
                                       // What a topic takes is the topic's to say.
                                       {"message.max.bytes", "1000000000"},
                                       {"queue.buffering.max.kbytes", "2097151"}},
                                      &delivered_));
    return {};
  }

  ~Producer() override {
    // Callbacks must not come into what is being destroyed.
    if (client_) rd_kafka_purge(client_.get(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    closing_ = true;
    if (client_) rd_kafka_flush(client_.get(), kPollMs);
    client_.reset();
  }

  Status Send(OutgoingMessage message, std::function<void(Status)> done) override {
    auto pending = std::make_unique<Pending>();
    pending->what = fmt::format("cannot send to {}", message.topic);
    pending->key = message.key.value_or("");
    pending->value = std::move(message.value);
    pending->done = std::move(done);
    rd_kafka_poll(client_.get(), 0);
    while (bytes_ > 0 && bytes_ + pending->bytes() > max_bytes_) {
      rd_kafka_poll(client_.get(), kPollMs);
    }
    return Produce(message, std::move(pending));
  }

  Status Flush(std::chrono::milliseconds timeout) override {
    const auto deadline = SteadyClock::now() + timeout;
    while (messages_ > 0) {
      if (SteadyClock::now() > deadline) {
        return Explained(UnavailableError("no broker has taken what was sent"));
      }
      rd_kafka_flush(client_.get(), kPollMs);
    }
    return {};
  }

 private:
  class Delivered : public LastComplaint {
   public:
    explicit Delivered(Producer& producer) : producer_(producer) {}
    void OnDelivery(const rd_kafka_message_t& message) override { producer_.Settle(message); }

   private:
    Producer& producer_;
  };

  Status Produce(const OutgoingMessage& message, std::unique_ptr<Pending> pending) {
    while (true) {
      const RdError error(TryProduce(message, *pending));
      if (!error) break;
      if (rd_kafka_error_code(error.get()) != RD_KAFKA_RESP_ERR__QUEUE_FULL) {
        return Explained(ToError(rd_kafka_error_code(error.get()), pending->what,
                                 rd_kafka_error_string(error.get())));
      }
      rd_kafka_poll(client_.get(), kPollMs);
    }
    bytes_ += pending->bytes();
    ++messages_;
    pending.release();  // Settle takes it back
    return {};
  }

  rd_kafka_error_t* TryProduce(const OutgoingMessage& message, Pending& pending) {
    RdHeaders headers(rd_kafka_headers_new(message.headers.size()));
    for (const auto& [name, value] : message.headers) {
      rd_kafka_header_add(headers.get(), name.c_str(), -1, value.data(),
                          static_cast<ssize_t>(value.size()));
    }
    std::vector<rd_kafka_vu_t> arguments(7);
    arguments[0].vtype = RD_KAFKA_VTYPE_TOPIC;
    arguments[0].u.cstr = message.topic.c_str();
    arguments[1].vtype = RD_KAFKA_VTYPE_VALUE;
    if (pending.value) arguments[1].u.mem = {pending.value->data(), pending.value->size()};
    arguments[2].vtype = RD_KAFKA_VTYPE_KEY;
    arguments[2].u.mem = {message.key ? pending.key.data() : nullptr, pending.key.size()};
    arguments[3].vtype = RD_KAFKA_VTYPE_TIMESTAMP;
    arguments[3].u.i64 = message.time.time_since_epoch().count();
    arguments[4].vtype = RD_KAFKA_VTYPE_HEADERS;
    arguments[4].u.headers = headers.get();
    arguments[5].vtype = RD_KAFKA_VTYPE_OPAQUE;
    arguments[5].u.ptr = &pending;
    arguments[6].vtype = RD_KAFKA_VTYPE_PARTITION;
    arguments[6].u.i32 = message.partition.value_or(RD_KAFKA_PARTITION_UA);
    rd_kafka_error_t* const error =
        rd_kafka_produceva(client_.get(), arguments.data(), arguments.size());
    if (error == nullptr) headers.release();  // the message owns them now
    return error;
  }

  void Settle(const rd_kafka_message_t& message) {
    const std::unique_ptr<Pending> pending(static_cast<Pending*>(message._private));
    bytes_ -= pending->bytes();
    --messages_;
    if (closing_ || !pending->done) return;
    if (message.err == RD_KAFKA_RESP_ERR_NO_ERROR) return pending->done({});
    pending->done(ToError(message.err, pending->what));
  }

  Error Explained(Error error) const {
    return delivered_.Explain(std::move(error), config_, client_.get());
  }

  const ClientConfig config_;
  const std::uint64_t max_bytes_;
  Delivered delivered_;
  std::uint64_t bytes_ = 0;
  std::uint64_t messages_ = 0;
  bool closing_ = false;
  RdClient client_{};
};

}  // namespace

Result<std::unique_ptr<RecordProducer>> NewRecordProducer(const ClientConfig& client,
                                                          std::uint64_t max_bytes) {
  auto producer = std::make_unique<Producer>(client, max_bytes);
  WINNOW_RETURN_IF_ERROR(producer->Connect());
  return std::unique_ptr<RecordProducer>(std::move(producer));
}

}  // namespace winnow::kafka
