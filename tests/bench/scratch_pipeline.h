// Topics of a pipeline that is there for one measurement, and records to fill them with.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "libs/kafka/topics.h"
#include "libs/record/image_record.h"
#include "tests/bench/bare_client.h"

namespace winnow::bench {

// The broker WINNOW_KAFKA_BROKERS names; empty, with how to start one on stderr, if it names none.
std::string BrokersFromEnvironment();
inline constexpr int kExitWithoutBroker = 77;  // skipped

// The topic a stage reads and the one it passes records on to.
struct Hop {
  kafka::Topic input = kafka::Topic::kRaw;
  kafka::Topic output = kafka::Topic::kValid;
};

// Has a prefix of its own on the broker. Ends the program when something fails; one whose program
// is killed leaves topics that empty themselves within the hour.
class ScratchPipeline {
 public:
  // Input, output and `changelog_stage`'s changelog, if one is named, have `partitions`, the other
  // topics one.
  ScratchPipeline(std::string brokers, int partitions, std::string changelog_stage = {},
                  Hop hop = {});
  ~ScratchPipeline();
  ScratchPipeline(const ScratchPipeline&) = delete;
  ScratchPipeline& operator=(const ScratchPipeline&) = delete;

  const std::string& prefix() const { return prefix_; }
  std::string input() const;
  std::string output() const;
  std::string changelog() const;

  // Adds encoded records of `message_bytes`, give or take some, to the input.
  void Fill(std::uint64_t records, std::size_t message_bytes);
  // The same of records made from their number; bytes of all of them.
  std::uint64_t Fill(std::uint64_t records,
                     const std::function<record::ImageRecord(std::uint64_t)>& make);
  std::int64_t EndOfOutput() const;         // see EndOf
  std::uint64_t CommittedInOutput() const;  // messages, counted by reading them
  void EmptyOutput();  // by making the topic anew

 private:
  void Create();

  const std::string brokers_;
  const int partitions_;
  const std::string changelog_stage_;
  const Hop hop_;
  const std::string prefix_;
  const Client admin_;
  std::uint64_t filled_ = 0;
};

}  // namespace winnow::bench
