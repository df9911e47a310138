#include "libs/kafka/transaction.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <thread>

namespace winnow::kafka {
namespace {

using Remedy = TransactionFailure::Remedy;
using SteadyClock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kPause{50};
constexpr std::chrono::seconds kDeliveryPatience{5};
// How long one blocking call may keep `give_up` from being seen.
constexpr int kSliceMs = 2000;

tl::unexpected<TransactionFailure> Fail(Remedy remedy, Error error) {
  return tl::unexpected<TransactionFailure>({remedy, std::move(error)});
}

// A message without value is a tombstone; librdkafka tells by the pointer.
rd_kafka_vu_t Bytes(rd_kafka_vtype_t type, const std::optional<std::string_view>& bytes) {
  rd_kafka_vu_t value;
  value.vtype = type;
  value.u.mem.ptr = bytes ? const_cast<char*>(bytes->data()) : nullptr;
  value.u.mem.size = bytes ? bytes->size() : 0;
  if (bytes && value.u.mem.ptr == nullptr) value.u.mem.ptr = const_cast<char*>("");
  return value;
}

}  // namespace

TransactionalProducer::TransactionalProducer(TransactionOptions options,
                                             Reachability* reachable,
                                             const std::atomic<bool>* give_up)
    : options_(std::move(options)), reachable_(reachable), give_up_(give_up) {}

TransactionalProducer::~TransactionalProducer() { Close(); }

void TransactionalProducer::Close() {
  for (const auto& [name, topic] : topics_) rd_kafka_topic_destroy(topic);
  topics_.clear();
  client_.reset();
}

Status TransactionalProducer::Renew() {
  Close();
  const Settings settings = {
      {"transactional.id", options_.transactional_id},
      {"transaction.timeout.ms", std::to_string(options_.timeout.count())},
      {"message.timeout.ms", std::to_string(options_.timeout.count())},
      {"enable.idempotence", "true"},
      {"partitioner", "murmur2_random"},
      {"compression.type", "none"},
      {"linger.ms", "1"},
      {"queue.buffering.max.kbytes", "262144"},
      {"queue.buffering.max.messages", "200000"},
      {"message.max.bytes", std::to_string(options_.max_message_bytes)},
      {"batch.size", std::to_string(options_.max_batch_bytes)}};
  WINNOW_ASSIGN_OR_RETURN(client_, NewClient(RD_KAFKA_PRODUCER, options_.client, settings, this));
  while (true) {
    const RdError error(rd_kafka_init_transactions(client_.get(), kSliceMs));
    if (!error) return {};
    if (give_up_->load()) return CancelledError("stopped while waiting for the broker");
    if (rd_kafka_error_is_retriable(error.get())) continue;
    return ToError(rd_kafka_error_code(error.get()),
                   fmt::format("cannot begin as {}", options_.transactional_id),
                   rd_kafka_error_string(error.get()));
  }
}

TransactionFailure TransactionalProducer::Classify(const rd_kafka_error_t& error,
                                                   std::string_view what) const {
  const rd_kafka_resp_err_t code = rd_kafka_error_code(&error);
  if (const RdError cause = code == RD_KAFKA_RESP_ERR__STATE ? CauseOfFailure() : nullptr) {
    return Classify(*cause, what);
  }
  if (code == RD_KAFKA_RESP_ERR__FENCED) {
    return {Remedy::kGiveUp,
            UnavailableError(fmt::format(
                "another process runs as {}, or this one was away from the broker for longer than "
                "the transaction timeout of {} ms",
                options_.transactional_id, options_.timeout.count())),
            true};
  }
  Error told = ToError(code, what, rd_kafka_error_string(&error));
  if (told.code == ErrorCode::kConfig) return {Remedy::kGiveUp, std::move(told)};
  if (rd_kafka_error_txn_requires_abort(&error)) return {Remedy::kAbort, std::move(told)};
  return {Remedy::kNewProducer, std::move(told)};
}

template <class Call>
TransactionStatus TransactionalProducer::Try(std::string_view what,
                                             std::chrono::milliseconds patience,
                                             Remedy when_late, const Call& call) {
  const auto deadline = SteadyClock::now() + patience;
  while (true) {
    const RdError error(call());
    if (!error) return {};
    if (!rd_kafka_error_is_retriable(error.get())) {
      return tl::unexpected<TransactionFailure>(Classify(*error, what));
    }
    if (give_up_->load()) return Fail(Remedy::kGiveUp, CancelledError("stopped in a transaction"));
    if (SteadyClock::now() > deadline) {
      return Fail(when_late, ToError(rd_kafka_error_code(error.get()), what));
    }
    std::this_thread::sleep_for(kPause);
  }
}

TransactionStatus TransactionalProducer::Begin() {
  produced_ = delivered_ = 0;
  failed_ = RD_KAFKA_RESP_ERR_NO_ERROR;
  return Try("cannot begin a transaction", options_.timeout, Remedy::kNewProducer,
             [&] { return rd_kafka_begin_transaction(client_.get()); });
}

rd_kafka_topic_t* TransactionalProducer::TopicOf(const std::string& name) {
  rd_kafka_topic_t*& topic = topics_[name];
  if (topic == nullptr) topic = rd_kafka_topic_new(client_.get(), name.c_str(), nullptr);
  return topic;
}

Result<RdHeaders> TransactionalProducer::HeadersOf(const ProducerMessage& message) const {
  RdHeaders headers(rd_kafka_headers_new(message.headers->size()));
  for (const auto& [name, value] : *message.headers) {
    const rd_kafka_resp_err_t code = rd_kafka_header_add(
        headers.get(), name.data(), static_cast<ssize_t>(name.size()), value.data(),
        static_cast<ssize_t>(value.size()));
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return ToError(code, "cannot add header " + name);
  }
  return headers;
}

TransactionStatus TransactionalProducer::Produce(const ProducerMessage& message) {
  RdHeaders headers;
  if (message.headers != nullptr) {
    auto made = HeadersOf(message);
    if (!made) return Fail(Remedy::kAbort, made.error());
    headers = std::move(*made);
  }
  std::array<rd_kafka_vu_t, 7> fields;
  fields[0].vtype = RD_KAFKA_VTYPE_RKT;
  fields[0].u.rkt = TopicOf(*message.topic);
  fields[1].vtype = RD_KAFKA_VTYPE_PARTITION;
  fields[1].u.i32 = message.partition.value_or(RD_KAFKA_PARTITION_UA);
  fields[2] = Bytes(RD_KAFKA_VTYPE_KEY, message.key);
  fields[3] = Bytes(RD_KAFKA_VTYPE_VALUE, message.value);
  fields[4].vtype = RD_KAFKA_VTYPE_TIMESTAMP;
  fields[4].u.i64 = message.time.time_since_epoch().count();
  fields[5].vtype = RD_KAFKA_VTYPE_OPAQUE;
  fields[5].u.ptr = message.greatest_offset;
  fields[6].vtype = RD_KAFKA_VTYPE_HEADERS;
  fields[6].u.headers = headers.get();
  const std::size_t count = headers ? fields.size() : fields.size() - 1;
  while (true) {
    const RdError error(rd_kafka_produceva(client_.get(), fields.data(), count));
    if (!error) break;
    const rd_kafka_resp_err_t code = rd_kafka_error_code(error.get());
    if (failed_ != RD_KAFKA_RESP_ERR_NO_ERROR) return tl::unexpected(DeliveryFailure());
    if (code != RD_KAFKA_RESP_ERR__QUEUE_FULL) {
      Error told = ToError(code, "cannot send to " + *message.topic);
      const bool hopeless = told.code != ErrorCode::kUnavailable;
      return Fail(hopeless ? Remedy::kGiveUp : Remedy::kAbort, std::move(told));
    }
    if (give_up_->load()) return Fail(Remedy::kGiveUp, CancelledError("stopped while sending"));
    rd_kafka_poll(client_.get(), 100);
  }
  static_cast<void>(headers.release());  // the producer's now
  if (++produced_ % 256 == 0) rd_kafka_poll(client_.get(), 0);
  return {};
}

// When a transaction cannot go on, librdkafka purges its messages and refuses its calls; the reason
// is told to who asks for another transaction, which it refuses as well.
RdError TransactionalProducer::CauseOfFailure() const {
  RdError cause(rd_kafka_begin_transaction(client_.get()));
  if (cause && rd_kafka_error_code(cause.get()) == RD_KAFKA_RESP_ERR__STATE) return nullptr;
  return cause;
}

TransactionFailure TransactionalProducer::DeliveryFailure() const {
  const bool purged = failed_ == RD_KAFKA_RESP_ERR__PURGE_QUEUE ||
                      failed_ == RD_KAFKA_RESP_ERR__PURGE_INFLIGHT;
  if (const RdError cause = purged ? CauseOfFailure() : nullptr) {
    return Classify(*cause, "cannot send to " + failed_topic_);
  }
  Error told = ToError(failed_, "cannot send to " + failed_topic_);
  // Sent again it would be refused again.
  const bool hopeless = told.code != ErrorCode::kUnavailable;
  if (told.code == ErrorCode::kInput) told.code = ErrorCode::kConfig;
  return {hopeless ? Remedy::kGiveUp : Remedy::kAbort, std::move(told)};
}

TransactionStatus TransactionalProducer::Flush() {
  const auto deadline = SteadyClock::now() + options_.timeout;
  while (delivered_ < produced_) {
    rd_kafka_flush(client_.get(), 100);
    if (failed_ != RD_KAFKA_RESP_ERR_NO_ERROR) return tl::unexpected(DeliveryFailure());
    if (give_up_->load()) return Fail(Remedy::kGiveUp, CancelledError("stopped while sending"));
    if (SteadyClock::now() > deadline) {
      return Fail(Remedy::kAbort, UnavailableError("the broker does not take messages"));
    }
  }
  return {};
}

TransactionStatus TransactionalProducer::SendOffsets(
    const rd_kafka_topic_partition_list_t* offsets,
    const rd_kafka_consumer_group_metadata_t* group) {
  return Try("cannot send the offsets to the transaction", options_.timeout, Remedy::kAbort, [&] {
    return rd_kafka_send_offsets_to_transaction(client_.get(), offsets, group, kSliceMs);
  });
}

TransactionStatus TransactionalProducer::Commit() {
  return Try("cannot commit the transaction", 2 * options_.timeout, Remedy::kNewProducer,
             [&] { return rd_kafka_commit_transaction(client_.get(), -1); });
}

// librdkafka 2.0.2 turns an abort fatal that overtakes the first message (librdkafka issue 4849).
TransactionStatus TransactionalProducer::Abort() {
  ServeDeliveries([this] { return produced_ > 0 && delivered_ == 0; });
  const auto aborted = Try("cannot abort the transaction", 2 * options_.timeout,
                           Remedy::kNewProducer,
                           [&] { return rd_kafka_abort_transaction(client_.get(), -1); });
  if (!aborted) return aborted;
  // Reports that came later would be taken for those of the next transaction.
  ServeDeliveries([this] { return delivered_ < produced_; });
  if (delivered_ == produced_) return {};
  return Fail(Remedy::kNewProducer, UnavailableError("messages of an aborted transaction are not "
                                                     "accounted for"));
}

template <class Condition>
void TransactionalProducer::ServeDeliveries(const Condition& wanted) {
  const auto deadline = SteadyClock::now() + kDeliveryPatience;
  while (wanted() && SteadyClock::now() < deadline) rd_kafka_poll(client_.get(), 20);
}

void TransactionalProducer::AbortIfPossible(std::chrono::milliseconds patience) {
  if (!client_) return;
  const RdError ignored(
      rd_kafka_abort_transaction(client_.get(), static_cast<int>(patience.count())));
}

void TransactionalProducer::OnDelivery(const rd_kafka_message_t& message) {
  ++delivered_;
  if (message.err != RD_KAFKA_RESP_ERR_NO_ERROR) {
    if (failed_ != RD_KAFKA_RESP_ERR_NO_ERROR) return;
    failed_ = message.err;
    failed_topic_ = rd_kafka_topic_name(message.rkt);
    return;
  }
  auto* const greatest = static_cast<std::int64_t*>(message._private);
  if (greatest != nullptr) *greatest = std::max(*greatest, message.offset);
}

void TransactionalProducer::OnError(rd_kafka_resp_err_t code, std::string_view reason) {
  reachable_->Complained(code, reason);
}

}  // namespace winnow::kafka
