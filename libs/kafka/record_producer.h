// Sends records into the pipeline from outside it: for ingest and replay.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "libs/base/clock.h"
#include "libs/base/result.h"
#include "libs/kafka/client_config.h"

namespace winnow::kafka {

struct OutgoingMessage {
  std::string topic;
  std::optional<int> partition = std::nullopt;  // nullopt: that of the key
  std::optional<std::string> key = std::nullopt;
  std::optional<std::string> value = std::nullopt;  // nullopt: a tombstone
  std::map<std::string, std::string> headers{};
  Timestamp time{};
};

// Idempotent, acks=all, bounded by bytes. One thread.
class RecordProducer {
 public:
  virtual ~RecordProducer() = default;

  // Blocks while `max_bytes` are under way. `done` is called once, from this thread, in a later
  // call of Send or Flush, when the broker has the message or has refused it for good (kInput: too
  // large; kUnavailable; kConfig: no such topic, not allowed).
  virtual Status Send(OutgoingMessage message, std::function<void(Status)> done) = 0;
  // Until everything sent was answered. kUnavailable after `timeout`.
  virtual Status Flush(std::chrono::milliseconds timeout) = 0;
};

Result<std::unique_ptr<RecordProducer>> NewRecordProducer(const ClientConfig& client,
                                                          std::uint64_t max_bytes);

}  // namespace winnow::kafka
