#include "libs/kafka/intake.h"

#include <fmt/format.h>

namespace winnow::kafka {
namespace {

using record::PayloadContent;
using record::RecordCodec;

constexpr std::uint64_t kBatchOverhead = 512;
constexpr std::uint64_t kHeaderOverhead = 10;

// What is whole but for its zone is a leak, not damage.
DeadReason WhyUndecodable(std::string_view value, record::Zone zone) {
  if (zone == record::Zone::kRaw) return DeadReason::kUndecodable;
  const auto raw = RecordCodec::Decode(value, record::Zone::kRaw);
  if (!raw) return DeadReason::kUndecodable;
  const PayloadContent* content = record::ContentOf(raw->payload);
  const bool carries = content != nullptr && !content->bytes.empty();
  return carries ? DeadReason::kUnredacted : DeadReason::kUndecodable;
}

}  // namespace

tl::expected<record::ImageRecord, Dead> TakeRecord(const Arrival& arrival, record::Zone zone,
                                                   const CollectionId& collection,
                                                   record::Extent extent) {
  using Refused = tl::unexpected<Dead>;
  if (!arrival.value) {
    return Refused(Dead{DeadReason::kUndecodable, "the message has no value"});
  }
  auto decoded = RecordCodec::Decode(*arrival.value, zone, extent);
  if (!decoded) {
    return Refused(Dead{WhyUndecodable(*arrival.value, zone), decoded.error().message});
  }
  if (decoded->collection != collection) {
    return Refused(Dead{DeadReason::kWrongCollection,
                        fmt::format("collection '{}', this service works on '{}'",
                                    decoded->collection.value(), collection.value())});
  }
  return std::move(*decoded);
}

Step FetchBytes(record::Payload& payload, const blob::BlobStore* store, std::uint64_t max_bytes,
                int attempts) {
  const PayloadContent& content = *record::ContentOf(payload);
  const std::string name = ToHex(content.sha256);
  if (store == nullptr) {
    return Stop(Dead{DeadReason::kBlobMissing,
                     "the payload is a reference and this service has no blob store"});
  }
  if (content.left_out > max_bytes) {
    return Stop(Dead{DeadReason::kTooLarge, fmt::format("blob {} has {} bytes, {} are allowed",
                                                        name, content.left_out, max_bytes)});
  }
  auto bytes = Retrying(attempts, [&] { return store->Get(content.sha256, max_bytes); });
  if (!bytes && bytes.error().code == ErrorCode::kInput) {
    return Stop(Dead{DeadReason::kBlobMissing, bytes.error().message});
  }
  if (!bytes) return Stop(bytes.error());
  if (AttachBytes(payload, std::move(*bytes))) return {};
  return Stop(Dead{DeadReason::kBlobMissing, fmt::format("blob {} is something else", name)});
}

Lineage LineageOf(const Arrival& arrival, std::string_view stage) {
  const std::optional<Origin> given = arrival.origin ? ParseOrigin(*arrival.origin) : std::nullopt;
  std::string origin = Format(given.value_or(arrival.place));
  std::string traceparent = NextTraceparent(arrival.traceparent, stage, origin);
  return {std::move(origin), std::move(traceparent)};
}

Headers HeadersOf(const Lineage& lineage, const Arrival& arrival) {
  Headers headers = {{std::string(kOriginHeader), lineage.origin},
                     {std::string(kTraceparentHeader), lineage.traceparent}};
  if (arrival.tracestate) headers.emplace_back(kTracestateHeader, *arrival.tracestate);
  if (arrival.replay) headers.emplace_back(kReplayHeader, *arrival.replay);
  return headers;
}

Headers DeadHeadersOf(const Arrival& arrival, std::string_view stage, const Dead& dead) {
  Headers headers = HeadersOf(LineageOf(arrival, stage), arrival);
  headers.emplace_back(kDeadStageHeader, stage);
  headers.emplace_back(kDeadMessageHeader, Format(arrival.place));
  headers.emplace_back(kDeadReasonHeader, Name(dead.reason));
  headers.emplace_back(kDeadDetailHeader, dead.detail);
  return headers;
}

std::uint64_t SizeOf(std::string_view key, std::string_view value, const Headers& headers) {
  std::uint64_t bytes = kBatchOverhead + key.size() + value.size();
  for (const auto& [name, text] : headers) bytes += name.size() + text.size() + kHeaderOverhead;
  return bytes;
}

}  // namespace winnow::kafka
