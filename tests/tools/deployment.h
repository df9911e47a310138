// Fixture: the topics of a pipeline, of its own on the broker that WINNOW_KAFKA_BROKERS names, a
// folder, and the real winnow program. What services would write is written by the test.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "libs/kafka/client_config.h"
#include "libs/kafka/headers.h"
#include "libs/kafka/log_reader.h"
#include "libs/kafka/record_producer.h"
#include "libs/kafka/topics.h"
#include "libs/record/image_record.h"

namespace winnow::tools {

struct Ran {
  int code = -1;
  std::string out;
  std::string err;
};

// A message, kept.
struct Kept {
  int partition = 0;
  std::int64_t offset = 0;
  Timestamp time{};
  std::string key;
  std::string value;
  std::map<std::string, std::string> headers;
};

class DeploymentTest : public testing::Test {
 protected:
  void SetUp() override;

  // Every topic of deploy/topics.yaml.
  void MakeTopics(int partitions = 1);
  std::string Name(kafka::Topic topic) const { return kafka::TopicName(topic, prefix_); }
  std::string Path(const std::string& name) const { return folder_ + "/" + name; }
  void WriteFile(const std::string& name, const std::string& bytes) const;

  // winnow with these arguments; those for broker and prefix are added.
  Ran Winnow(const std::vector<std::string>& arguments) const;
  Ran Run(const std::vector<std::string>& arguments) const;

  // Returns the offset.
  std::int64_t Produce(kafka::Topic topic, const std::string& key, const std::string& value,
                       const std::map<std::string, std::string>& headers = {});
  std::vector<Kept> Read(kafka::Topic topic);

  // Record number `n` of the test.
  static record::ImageRecord RecordOf(int n);
  // Puts it into images.raw.
  kafka::Origin Arrive(int n);
  // Headers of a message that descends from an arrival.
  static std::map<std::string, std::string> From(const kafka::Origin& origin);
  void Reject(const kafka::Origin& origin, int n);
  void Review(const kafka::Origin& origin, int n);
  void Defer(const kafka::Origin& origin, int n);
  void Bury(const kafka::Origin& origin, const kafka::Origin& letter);
  void Select(const kafka::Origin& origin, int n);
  // What was selected so far is published in Path("dataset").
  void Store();
  // The same, and everything below `end` counts as seen.
  void StoreUntil(std::int64_t end);
  // The stages have committed what their topics hold.
  void CommitAll();

  kafka::ClientConfig client_;
  std::string prefix_;
  std::string folder_;

 private:
  std::unique_ptr<kafka::RecordProducer> producer_;
  std::unique_ptr<kafka::LogReader> reader_;
  std::vector<int> selected_;
};

}  // namespace winnow::tools
