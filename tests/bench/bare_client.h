// librdkafka as it comes, for loops to measure Winnow against: its objects with owners, and an end
// of the program for every error.
#pragma once

#include <librdkafka/rdkafka.h>

#include <map>
#include <memory>
#include <string>

namespace winnow::bench {

// Names and values of librdkafka.
using Properties = std::map<std::string, std::string>;

struct Destroy {
  void operator()(rd_kafka_t* client) const { rd_kafka_destroy(client); }
  void operator()(rd_kafka_topic_t* topic) const { rd_kafka_topic_destroy(topic); }
  void operator()(rd_kafka_message_t* message) const { rd_kafka_message_destroy(message); }
  void operator()(rd_kafka_topic_partition_list_t* list) const {
    rd_kafka_topic_partition_list_destroy(list);
  }
  void operator()(rd_kafka_consumer_group_metadata_t* group) const {
    rd_kafka_consumer_group_metadata_destroy(group);
  }
  void operator()(rd_kafka_queue_t* queue) const { rd_kafka_queue_destroy(queue); }
  void operator()(rd_kafka_event_t* event) const { rd_kafka_event_destroy(event); }
  void operator()(rd_kafka_DeleteTopic_t* topic) const { rd_kafka_DeleteTopic_destroy(topic); }
};
using Client = std::unique_ptr<rd_kafka_t, Destroy>;
using TopicHandle = std::unique_ptr<rd_kafka_topic_t, Destroy>;
using Message = std::unique_ptr<rd_kafka_message_t, Destroy>;
using Partitions = std::unique_ptr<rd_kafka_topic_partition_list_t, Destroy>;

using OnDelivered = void (*)(rd_kafka_t*, const rd_kafka_message_t*, void* opaque);

// `delivered` may be null; it is called by who polls or flushes.
Client NewProducer(const Properties& properties, OnDelivered delivered = nullptr);
// Reads committed messages, from the oldest on; commits nothing by itself.
Client NewConsumer(const Properties& properties);
void Subscribe(rd_kafka_t* consumer, const std::string& topic);

// The next message, null if none came for a moment.
Message Poll(rd_kafka_t* consumer);

// End the program on an error, saying what failed.
void Must(rd_kafka_resp_err_t code, const char* what);
void Must(rd_kafka_error_t* error, const char* what);

void DeleteTopic(rd_kafka_t* client, const std::string& name);  // gone on return
// Sum of the partitions' ends: messages written, and the marks of transactions.
std::int64_t EndOf(rd_kafka_t* client, const std::string& topic, int partitions);

}  // namespace winnow::bench
