// Internal to libs/kafka: whether a broker answers and, while none does, what the clients of this
// process complained of last.
#pragma once

#include <fmt/format.h>

#include <optional>
#include <string>
#include <string_view>

#include "libs/base/mutex.h"
#include "libs/base/result.h"
#include "libs/kafka/admin.h"
#include "libs/kafka/client.h"

namespace winnow::kafka {

// Thread-safe.
class Reachability {
 public:
  void Answered() {
    const MutexLock lock(mutex_);
    answers_ = true;
    why_.clear();
  }

  // To be called with every error told to a client.
  void Complained(rd_kafka_resp_err_t code, std::string_view reason) {
    const MutexLock lock(mutex_);
    if (code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) {
      answers_ = false;  // says nothing that the complaint before it did not say better
    } else {
      why_ = reason;
    }
  }

  void Lost() {
    const MutexLock lock(mutex_);
    answers_ = false;
  }

  bool answers() const {
    const MutexLock lock(mutex_);
    return answers_;
  }

  // Empty while a broker answers.
  std::string why() const {
    const MutexLock lock(mutex_);
    return answers_ ? std::string() : why_;
  }

 private:
  mutable Mutex mutex_;
  bool answers_ WINNOW_GUARDED_BY(mutex_) = false;
  std::string why_ WINNOW_GUARDED_BY(mutex_);
};

// Of a client that waits for a first answer: tells a refusal, which no waiting mends, from silence.
class RefusalListener : public ClientListener {
 public:
  // `reachability` must outlive it.
  explicit RefusalListener(Reachability& reachability) : reachability_(reachability) {}

  void OnError(rd_kafka_resp_err_t code, std::string_view reason) override {
    reachability_.Complained(code, reason);
    if (!IsRefusal(code, reason)) return;
    const MutexLock lock(mutex_);
    refused_ = ConfigError(fmt::format("the broker refuses this client: {}", reason));
  }

  std::optional<Error> refused() const {
    const MutexLock lock(mutex_);
    return refused_;
  }

 private:
  Reachability& reachability_;
  mutable Mutex mutex_;
  std::optional<Error> refused_ WINNOW_GUARDED_BY(mutex_);
};

}  // namespace winnow::kafka
