// The image bytes, typed by zone: raw bytes may show a face, safe bytes have been through
// redaction. The dataset writer takes only safe ones.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>

#include "libs/base/bytes.h"
#include "libs/base/digest.h"

namespace winnow::privacy {
class Blurrer;
}

namespace winnow::record {

class RecordCodec;

// Coded image file contents. `sha256` is of the file. Where only the description was kept (a
// refused image's record, RecordCodec::EncodeWithoutPayload) `bytes` is empty and `left_out` its
// length.
struct PayloadContent {
  SharedBytes bytes;
  std::string media_type;  // "image/jpeg"; empty while unknown
  Sha256Digest sha256{};
  std::uint64_t left_out = 0;
  // The blob store of the payload's zone has the bytes under `sha256` (a claim check): the record is
  // encoded with the reference alone, whether `bytes` are here or not.
  bool in_store = false;
  std::string unknown_fields{};

  // Bytes of the file, whether they are here or were left out.
  std::uint64_t length() const { return bytes.empty() ? left_out : bytes.size(); }
  friend bool operator==(const PayloadContent&, const PayloadContent&) = default;
};

struct RawPayload {
  PayloadContent content;
  friend bool operator==(const RawPayload&, const RawPayload&) = default;
};

// Proof that redaction ran. Only the blurrer can make one, and the codec for bytes that come from
// a safe topic or a safe store.
class RedactionPass {
 private:
  friend class ::winnow::privacy::Blurrer;
  friend class RecordCodec;
  friend class SafePayloadForTesting;
  RedactionPass() = default;
};

class SafePayload {
 public:
  SafePayload(RedactionPass, PayloadContent content) : content_(std::move(content)) {}
  const PayloadContent& content() const { return content_; }
  friend bool operator==(const SafePayload&, const SafePayload&) = default;

 private:
  friend PayloadContent* MutableContentOf(std::variant<std::monostate, RawPayload, SafePayload>&);
  PayloadContent content_;
};

// Records of images that could not be read carry none; decoded records of refused images carry a
// payload without bytes.
using Payload = std::variant<std::monostate, RawPayload, SafePayload>;

// The content whatever its zone; null without payload.
inline const PayloadContent* ContentOf(const Payload& payload) {
  if (const auto* raw = std::get_if<RawPayload>(&payload)) return &raw->content;
  if (const auto* safe = std::get_if<SafePayload>(&payload)) return &safe->content();
  return nullptr;
}

// Gives a reference its bytes back. False, and nothing changed, if they are not those of `sha256`;
// so a SafePayload gets no other bytes than those that passed redaction.
[[nodiscard]] bool AttachBytes(Payload& payload, SharedBytes bytes);

// To be called when the blob store of the payload's zone has the bytes: makes it a reference and
// lets go of the bytes. Nothing without payload.
void ReplaceByReference(Payload& payload);

}  // namespace winnow::record
