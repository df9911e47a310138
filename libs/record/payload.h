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

}  // namespace winnow::record
