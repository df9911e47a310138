// Topics of a pipeline that is there for one measurement, and records to fill them with.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "tests/bench/bare_client.h"

namespace winnow::bench {

// Has a prefix of its own on the broker. Ends the program when something fails; one whose program
// is killed leaves topics that empty themselves within the hour.
class ScratchPipeline {
 public:
  // The main topics and `changelog_stage`'s changelog, if one is named, have `partitions`, those on
  // the side one.
  ScratchPipeline(std::string brokers, int partitions, std::string changelog_stage = {});
  ~ScratchPipeline();
  ScratchPipeline(const ScratchPipeline&) = delete;
  ScratchPipeline& operator=(const ScratchPipeline&) = delete;

  const std::string& prefix() const { return prefix_; }
  std::string input() const;   // images.raw
  std::string output() const;  // images.valid
  std::string changelog() const;

  // Adds encoded records of `message_bytes`, give or take some, to the input.
  void Fill(std::uint64_t records, std::size_t message_bytes);
  std::int64_t EndOfOutput() const;         // see EndOf
  std::uint64_t CommittedInOutput() const;  // messages, counted by reading them
  void EmptyOutput();  // by making the topic anew

 private:
  void Create();

  const std::string brokers_;
  const int partitions_;
  const std::string changelog_stage_;
  const std::string prefix_;
  const Client admin_;
  std::uint64_t filled_ = 0;
};

}  // namespace winnow::bench
