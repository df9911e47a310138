// Internal to libs/kafka: one admin request at a time, its answer as a Result. Not to be included
// from other rooms.
#pragma once

#include <librdkafka/rdkafka.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "libs/base/mutex.h"
#include "libs/base/result.h"
#include "libs/kafka/client.h"

namespace winnow::kafka {

struct DestroyEvent {
  void operator()(rd_kafka_event_t* event) const { rd_kafka_event_destroy(event); }
};
using RdEvent = std::unique_ptr<rd_kafka_event_t, DestroyEvent>;

// How long a question to the brokers may take before they count as gone.
inline constexpr std::chrono::milliseconds kAskTimeout{10'000};

// Calls `start` with options and a queue, waits for the answer. `what` begins the message of an
// Error: "cannot create topics".
Result<RdEvent> AskAdmin(rd_kafka_t* client, rd_kafka_admin_op_t operation, std::string_view what,
                         const std::function<void(const rd_kafka_AdminOptions_t*,
                                                  rd_kafka_queue_t*)>& start);

struct DestroyMetadata {
  void operator()(const rd_kafka_metadata_t* metadata) const {
    rd_kafka_metadata_destroy(metadata);
  }
};
using RdMetadata = std::unique_ptr<const rd_kafka_metadata_t, DestroyMetadata>;

// Whether an error told to a client means that no waiting will help: credentials, certificates.
bool IsRefusal(rd_kafka_resp_err_t code, std::string_view reason);

// Keeps what a client last complained of: "connection refused" says more than "timed out". A
// refusal is not overwritten by what follows from it.
class LastComplaint : public ClientListener {
 public:
  void OnError(rd_kafka_resp_err_t code, std::string_view reason) override;

  // Serves the callbacks of a client that is otherwise only asked.
  static void Serve(rd_kafka_t* client);
  bool refused() const;
  // `error` with the complaint added if it is one of unreachable brokers; kConfig if the complaint
  // is a refusal. Serves the callbacks of `client`.
  Error Explain(Error error, const ClientConfig& config, rd_kafka_t* client) const;

 private:
  mutable Mutex mutex_;
  std::string reason_ WINNOW_GUARDED_BY(mutex_);
  bool refused_ WINNOW_GUARDED_BY(mutex_) = false;
};

// Calls `attempt`, which may take the time it is given, until it succeeds, the brokers refuse the
// client or kAskTimeout is over: a wrong password is told at once.
template <class T>
Result<T> AskPatiently(rd_kafka_t* client, const LastComplaint& complaint,
                       const std::function<Result<T>(std::chrono::milliseconds)>& attempt) {
  const auto deadline = std::chrono::steady_clock::now() + kAskTimeout;
  for (std::chrono::milliseconds slice{500};; slice *= 2) {
    Result<T> answer = attempt(slice);
    if (answer || answer.error().code != ErrorCode::kUnavailable) return answer;
    LastComplaint::Serve(client);
    if (complaint.refused() || std::chrono::steady_clock::now() >= deadline) return answer;
  }
}

// Of all topics and brokers.
Result<RdMetadata> AskMetadata(rd_kafka_t* client, const LastComplaint& complaint,
                               std::string_view what);

}  // namespace winnow::kafka
