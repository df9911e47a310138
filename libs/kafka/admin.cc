#include "libs/kafka/admin.h"

#include <fmt/format.h>

#include <array>
#include <utility>

namespace winnow::kafka {
namespace {

struct DestroyAdmin {
  void operator()(rd_kafka_queue_t* queue) const { rd_kafka_queue_destroy(queue); }
  void operator()(rd_kafka_AdminOptions_t* options) const {
    rd_kafka_AdminOptions_destroy(options);
  }
};

}  // namespace

Result<RdEvent> AskAdmin(rd_kafka_t* client, rd_kafka_admin_op_t operation, std::string_view what,
                         const std::function<void(const rd_kafka_AdminOptions_t*,
                                                  rd_kafka_queue_t*)>& start) {
  const std::unique_ptr<rd_kafka_queue_t, DestroyAdmin> queue(rd_kafka_queue_new(client));
  const std::unique_ptr<rd_kafka_AdminOptions_t, DestroyAdmin> options(
      rd_kafka_AdminOptions_new(client, operation));
  std::array<char, 256> text{};
  rd_kafka_AdminOptions_set_request_timeout(options.get(), static_cast<int>(kAskTimeout.count()),
                                            text.data(), text.size());
  start(options.get(), queue.get());
  // The client answers by itself when the request times out; the rest is for its own slowness.
  RdEvent event(
      rd_kafka_queue_poll(queue.get(), static_cast<int>(kAskTimeout.count()) + 5'000));
  if (!event) return UnavailableError(fmt::format("{}: no broker answers", what));
  if (const rd_kafka_resp_err_t code = rd_kafka_event_error(event.get());
      code != RD_KAFKA_RESP_ERR_NO_ERROR) {
    const char* const detail = rd_kafka_event_error_string(event.get());
    return ToError(code, what, detail == nullptr ? "" : detail);
  }
  return event;
}

Result<RdMetadata> AskMetadata(rd_kafka_t* client, const LastComplaint& complaint,
                               std::string_view what) {
  return AskPatiently<RdMetadata>(
      client, complaint, [&](std::chrono::milliseconds timeout) -> Result<RdMetadata> {
        const rd_kafka_metadata_t* metadata = nullptr;
        const rd_kafka_resp_err_t code =
            rd_kafka_metadata(client, 1, nullptr, &metadata, static_cast<int>(timeout.count()));
        if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return ToError(code, what);
        return RdMetadata(metadata);
      });
}

// A handshake that fails is told as an error of TLS or, on another path of the same client, as a
// broken connection with the text of OpenSSL.
bool IsRefusal(rd_kafka_resp_err_t code, std::string_view reason) {
  switch (code) {
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR__SSL:
    case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED: return true;
    default: break;
  }
  return reason.find("SSL routines") != std::string_view::npos ||
         reason.find("certificate verify failed") != std::string_view::npos;
}

void LastComplaint::OnError(rd_kafka_resp_err_t code, std::string_view reason) {
  // Says nothing that the complaint before it did not say better.
  if (code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) return;
  const MutexLock lock(mutex_);
  const bool refusal = IsRefusal(code, reason);
  if (refused_ && !refusal) return;
  reason_ = reason;
  refused_ = refusal;
}

void LastComplaint::Serve(rd_kafka_t* client) {
  if (rd_kafka_type(client) == RD_KAFKA_CONSUMER) {
    const RdMessage message(rd_kafka_consumer_poll(client, 0));
  } else {
    rd_kafka_poll(client, 0);
  }
}

bool LastComplaint::refused() const {
  const MutexLock lock(mutex_);
  return refused_;
}

Error LastComplaint::Explain(Error error, const ClientConfig& config, rd_kafka_t* client) const {
  if (error.code != ErrorCode::kUnavailable) return error;
  Serve(client);
  const MutexLock lock(mutex_);
  if (reason_.empty()) return error;
  if (refused_) error.code = ErrorCode::kConfig;
  error.message += fmt::format(" ({})", Redacted(reason_, config));
  return error;
}

}  // namespace winnow::kafka
