// Internal to libs/kafka: a message of librdkafka as what a stage judges.
#pragma once

#include <chrono>
#include <string>

#include "libs/kafka/client.h"
#include "libs/kafka/intake.h"

namespace winnow::kafka {

// Refers to `message`.
inline Arrival ArrivalOf(const rd_kafka_message_t& message, const std::string& topic) {
  Arrival arrival;
  arrival.place = {topic, message.partition, message.offset};
  arrival.time =
      Timestamp(std::chrono::milliseconds(rd_kafka_message_timestamp(&message, nullptr)));
  arrival.key = KeyOf(message);
  if (message.payload != nullptr) arrival.value = ValueOf(message);
  arrival.origin = HeaderOf(message, kOriginHeader);
  arrival.traceparent = HeaderOf(message, kTraceparentHeader);
  arrival.tracestate = HeaderOf(message, kTracestateHeader);
  arrival.replay = HeaderOf(message, kReplayHeader);
  arrival.forget = HeaderOf(message, kForgetHeader);
  return arrival;
}

}  // namespace winnow::kafka
