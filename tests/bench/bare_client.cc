#include "tests/bench/bare_client.h"

#include <fmt/format.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>

namespace winnow::bench {
namespace {

constexpr int kTimeoutMs = 30'000;

[[noreturn]] void Die(const char* what, const char* why) {
  fmt::print(stderr, "kafka_benchmark: {}: {}\n", what, why);
  std::exit(1);
}

rd_kafka_conf_t* ConfOf(const Properties& properties) {
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  std::array<char, 512> why{};
  rd_kafka_conf_set(conf, "log_level", "4", nullptr, 0);  // topics that go are no news here
  for (const auto& [name, value] : properties) {
    if (rd_kafka_conf_set(conf, name.c_str(), value.c_str(), why.data(), why.size()) !=
        RD_KAFKA_CONF_OK) {
      Die("cannot set a property", why.data());
    }
  }
  return conf;
}

Client NewClient(rd_kafka_type_t type, rd_kafka_conf_t* conf) {
  std::array<char, 512> why{};
  Client client(rd_kafka_new(type, conf, why.data(), why.size()));
  if (!client) Die("cannot make a client", why.data());
  return client;
}

bool Exists(rd_kafka_t* client, const std::string& name) {
  const TopicHandle topic(rd_kafka_topic_new(client, name.c_str(), nullptr));
  const rd_kafka_metadata_t* metadata = nullptr;
  Must(rd_kafka_metadata(client, 0, topic.get(), &metadata, kTimeoutMs), "cannot ask for a topic");
  const bool exists =
      metadata->topic_cnt == 1 && metadata->topics[0].err == RD_KAFKA_RESP_ERR_NO_ERROR;
  rd_kafka_metadata_destroy(metadata);
  return exists;
}

}  // namespace

void Must(rd_kafka_resp_err_t code, const char* what) {
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) Die(what, rd_kafka_err2str(code));
}

void Must(rd_kafka_error_t* error, const char* what) {
  if (error != nullptr) Die(what, rd_kafka_error_string(error));
}

Client NewProducer(const Properties& properties, OnDelivered delivered) {
  rd_kafka_conf_t* conf = ConfOf(properties);
  if (delivered != nullptr) rd_kafka_conf_set_dr_msg_cb(conf, delivered);
  return NewClient(RD_KAFKA_PRODUCER, conf);
}

Client NewConsumer(const Properties& properties) {
  Properties all = properties;
  all["enable.auto.commit"] = "false";
  all["enable.auto.offset.store"] = "false";
  all["auto.offset.reset"] = "earliest";
  all["isolation.level"] = "read_committed";
  Client client = NewClient(RD_KAFKA_CONSUMER, ConfOf(all));
  rd_kafka_poll_set_consumer(client.get());
  return client;
}

void Subscribe(rd_kafka_t* consumer, const std::string& topic) {
  const Partitions topics(rd_kafka_topic_partition_list_new(1));
  rd_kafka_topic_partition_list_add(topics.get(), topic.c_str(), RD_KAFKA_PARTITION_UA);
  Must(rd_kafka_subscribe(consumer, topics.get()), "cannot subscribe");
}

Message Poll(rd_kafka_t* consumer) {
  Message message(rd_kafka_consumer_poll(consumer, 5));
  if (message) Must(message->err, "cannot read");
  return message;
}

void DeleteTopic(rd_kafka_t* client, const std::string& name) {
  const std::unique_ptr<rd_kafka_DeleteTopic_t, Destroy> topic(
      rd_kafka_DeleteTopic_new(name.c_str()));
  const std::unique_ptr<rd_kafka_queue_t, Destroy> answers(rd_kafka_queue_new(client));
  rd_kafka_DeleteTopic_t* topics[] = {topic.get()};
  rd_kafka_DeleteTopics(client, topics, 1, nullptr, answers.get());
  const std::unique_ptr<rd_kafka_event_t, Destroy> answer(
      rd_kafka_queue_poll(answers.get(), kTimeoutMs));
  if (!answer) Die("cannot delete a topic", "no answer");
  Must(rd_kafka_event_error(answer.get()), "cannot delete a topic");
  // The answer comes from the controller, before the broker has heard of it.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(kTimeoutMs);
  while (Exists(client, name)) {
    if (std::chrono::steady_clock::now() > deadline) Die("cannot delete a topic", "still there");
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

std::int64_t EndOf(rd_kafka_t* client, const std::string& topic, int partitions) {
  std::int64_t sum = 0;
  for (int partition = 0; partition < partitions; ++partition) {
    std::int64_t low = 0;
    std::int64_t high = 0;
    Must(rd_kafka_query_watermark_offsets(client, topic.c_str(), partition, &low, &high,
                                          kTimeoutMs),
         "cannot ask for the end of a topic");
    sum += high;
  }
  return sum;
}

}  // namespace winnow::bench
