#include "tests/bench/bare_loops.h"

#include <deque>
#include <map>
#include <memory>
#include <utility>

namespace winnow::bench {
namespace {

using Clock = std::chrono::steady_clock;

// Messages read within one interval.
struct Batch {
  Clock::time_point began = Clock::now();
  std::map<int, std::int64_t> next;  // by partition: where to read on
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;
  std::uint64_t under_way = 0;  // produced, not delivered yet
};

// A message read keeps the bytes of the message written until that is delivered.
struct UnderWay {
  Message message;
  Batch* batch = nullptr;
};

void OnDelivery(rd_kafka_t*, const rd_kafka_message_t* delivered, void*) {
  const std::unique_ptr<UnderWay> one(static_cast<UnderWay*>(delivered->_private));
  Must(delivered->err, "cannot write");
  --one->batch->under_way;
}

class Loop {
 public:
  Loop(const LoopOptions& options, const Properties& producing)
      : options_(options),
        consumer_(NewConsumer(ConsumerProperties(options))),
        producer_(NewProducer(ProducerProperties(options, producing), OnDelivery)),
        output_(rd_kafka_topic_new(producer_.get(), options.output.c_str(), nullptr)) {
    Subscribe(consumer_.get(), options.input);
  }

  rd_kafka_t* consumer() { return consumer_.get(); }
  rd_kafka_t* producer() { return producer_.get(); }

  // Passes on one message, if there is one. A batch begins with its first.
  void Step(Batch& batch) {
    Message message = Poll(consumer_.get());
    rd_kafka_poll(producer_.get(), 0);
    if (!message) return;
    if (batch.records == 0) batch.began = Clock::now();
    ++batch.records;
    ++batch.under_way;
    batch.bytes += message->len;
    batch.next[message->partition] = message->offset + 1;
    Produce(std::move(message), batch);
  }

  bool IsDue(const Batch& batch) const {
    return batch.records > 0 && (Clock::now() - batch.began >= options_.interval ||
                                 batch.bytes >= options_.max_batch_bytes);
  }

  Partitions OffsetsOf(const Batch& batch) const {
    Partitions list(rd_kafka_topic_partition_list_new(static_cast<int>(batch.next.size())));
    for (const auto& [partition, offset] : batch.next) {
      rd_kafka_topic_partition_list_add(list.get(), options_.input.c_str(), partition)->offset =
          offset;
    }
    return list;
  }

  void Close() {
    Must(rd_kafka_flush(producer_.get(), 60'000), "cannot flush");
    Must(rd_kafka_consumer_close(consumer_.get()), "cannot close");
  }

 private:
  static Properties ConsumerProperties(const LoopOptions& options) {
    Properties all = {
        {"bootstrap.servers", options.brokers},
        {"group.id", options.group},
        {"group.instance.id", "bench-0"},
        {"partition.assignment.strategy", "range"},
        {"socket.nagle.disable", "true"},
        // When all its queues are full, this version sleeps up to a second before it asks the
        // broker for more (librdkafka issue 2879): with 16 MB these loops do a fifth, from 64 MB
        // on as much as they can.
        {"queued.max.messages.kbytes", "262144"},
        {"queued.min.messages", "1000000"},
        {"fetch.message.max.bytes", "8388608"},
        {"fetch.max.bytes", "67108864"}};
    for (const auto& [name, value] : options.properties) all[name] = value;
    return all;
  }

  static Properties ProducerProperties(const LoopOptions& options, const Properties& producing) {
    Properties all = {{"bootstrap.servers", options.brokers},
                      {"acks", "all"},
                      {"socket.nagle.disable", "true"},
                      // As much as keeps the broker busy: more only turns memory over.
                      {"queue.buffering.max.messages", "1000000"},
                      {"queue.buffering.max.kbytes", "65536"}};
    for (const auto& [name, value] : producing) all[name] = value;
    for (const auto& [name, value] : options.properties) all[name] = value;
    return all;
  }

  void Produce(Message message, Batch& batch) {
    auto one = std::make_unique<UnderWay>(UnderWay{std::move(message), &batch});
    const rd_kafka_message_t& read = *one->message;
    rd_kafka_vu_t fields[6] = {};
    fields[0].vtype = RD_KAFKA_VTYPE_RKT;
    fields[0].u.rkt = output_.get();
    fields[1].vtype = RD_KAFKA_VTYPE_PARTITION;
    fields[1].u.i32 = read.partition;
    fields[2].vtype = RD_KAFKA_VTYPE_KEY;
    fields[2].u.mem = {read.key, read.key_len};
    fields[3].vtype = RD_KAFKA_VTYPE_VALUE;
    fields[3].u.mem = {read.payload, read.len};
    fields[4].vtype = RD_KAFKA_VTYPE_TIMESTAMP;
    fields[4].u.i64 = rd_kafka_message_timestamp(&read, nullptr);
    fields[5].vtype = RD_KAFKA_VTYPE_OPAQUE;
    fields[5].u.ptr = one.get();
    rd_kafka_error_t* error = rd_kafka_produceva(producer_.get(), fields, 6);
    while (error != nullptr && rd_kafka_error_code(error) == RD_KAFKA_RESP_ERR__QUEUE_FULL) {
      rd_kafka_error_destroy(error);
      rd_kafka_poll(producer_.get(), 10);
      error = rd_kafka_produceva(producer_.get(), fields, 6);
    }
    Must(error, "cannot write");
    one.release();  // OnDelivery's now
  }

  const LoopOptions& options_;
  const Client consumer_;
  const Client producer_;
  const TopicHandle output_;
};

}  // namespace

void RunPlainLoop(const LoopOptions& options, CommitWindow& window) {
  Loop loop(options, {});
  std::deque<Batch> batches(1);  // oldest first; the last one is being filled
  while (!window.finished()) {
    loop.Step(batches.back());
    if (loop.IsDue(batches.back())) batches.emplace_back();
    while (batches.size() > 1 && batches.front().under_way == 0) {
      const Partitions offsets = loop.OffsetsOf(batches.front());
      Must(rd_kafka_commit(loop.consumer(), offsets.get(), 1), "cannot commit");
      window.Committed(batches.front().records);
      batches.pop_front();
    }
  }
  loop.Close();
}

void RunTransactionalLoop(const LoopOptions& options, CommitWindow& window) {
  Loop loop(options, {{"transactional.id", options.group + "/bench-0"}});
  Must(rd_kafka_init_transactions(loop.producer(), 30'000), "cannot begin");
  while (!window.finished()) {
    Must(rd_kafka_begin_transaction(loop.producer()), "cannot begin a transaction");
    Batch batch;
    while (!loop.IsDue(batch)) loop.Step(batch);
    const std::unique_ptr<rd_kafka_consumer_group_metadata_t, Destroy> group(
        rd_kafka_consumer_group_metadata(loop.consumer()));
    const Partitions offsets = loop.OffsetsOf(batch);
    Must(rd_kafka_send_offsets_to_transaction(loop.producer(), offsets.get(), group.get(), 30'000),
         "cannot send offsets");
    Must(rd_kafka_commit_transaction(loop.producer(), -1), "cannot commit");
    window.Committed(batch.records);
  }
  loop.Close();
}

double ReadRate(const std::string& brokers, const Properties& properties, const std::string& topic,
                int partitions, std::uint64_t expected) {
  Properties all = {{"bootstrap.servers", brokers},
                    {"group.id", "bench-reader"},
                    {"queued.max.messages.kbytes", "262144"},
                    {"queued.min.messages", "1000000"},
                    {"fetch.message.max.bytes", "8388608"}};
  for (const auto& [name, value] : properties) all[name] = value;
  const Client consumer = NewConsumer(all);
  const Partitions list(rd_kafka_topic_partition_list_new(partitions));
  for (int partition = 0; partition < partitions; ++partition) {
    rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), partition)->offset =
        RD_KAFKA_OFFSET_BEGINNING;
  }
  const auto began = Clock::now();
  Must(rd_kafka_assign(consumer.get(), list.get()), "cannot assign");
  for (std::uint64_t read = 0; read < expected;) {
    if (Poll(consumer.get())) ++read;
  }
  const std::chrono::duration<double> seconds = Clock::now() - began;
  return static_cast<double>(expected) / seconds.count();
}

}  // namespace winnow::bench
