#include "libs/record/payload.h"

namespace winnow::record {

PayloadContent* MutableContentOf(Payload& payload) {
  if (auto* raw = std::get_if<RawPayload>(&payload)) return &raw->content;
  if (auto* safe = std::get_if<SafePayload>(&payload)) return &safe->content_;
  return nullptr;
}

bool AttachBytes(Payload& payload, SharedBytes bytes) {
  PayloadContent* const content = MutableContentOf(payload);
  if (content == nullptr || Sha256(bytes.view()) != content->sha256) return false;
  content->bytes = std::move(bytes);
  content->left_out = 0;
  return true;
}

void ReplaceByReference(Payload& payload) {
  PayloadContent* const content = MutableContentOf(payload);
  if (content == nullptr) return;
  content->left_out = content->length();
  content->bytes = SharedBytes();
  content->in_store = true;
}

}  // namespace winnow::record
