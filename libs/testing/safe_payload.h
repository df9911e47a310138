// SafePayloads for tests of what comes after the blurrer.
#pragma once

#include <string>
#include <utility>

#include "libs/base/digest.h"
#include "libs/record/payload.h"

namespace winnow::record {

// The test-only key to RedactionPass. No service and no other library links this room.
class SafePayloadForTesting {
 public:
  static SafePayload Make(PayloadContent content) {
    return SafePayload(RedactionPass(), std::move(content));
  }
  static SafePayload Make(std::string bytes, std::string media_type = "image/jpeg") {
    PayloadContent content;
    content.sha256 = Sha256(bytes);
    content.bytes = SharedBytes(std::move(bytes));
    content.media_type = std::move(media_type);
    return Make(std::move(content));
  }
};

}  // namespace winnow::record
