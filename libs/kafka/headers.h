// Message headers Winnow reads and writes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace winnow::kafka {

// Where a message of the pipeline came in: the first topic that held it. Carried by every message
// that descends from it, so that an outcome can be matched with its arrival and the arrival be
// driven again.
struct Origin {
  std::string topic;
  int partition = 0;
  std::int64_t offset = 0;
  friend auto operator<=>(const Origin&, const Origin&) = default;
};

inline constexpr std::string_view kOriginHeader = "winnow-origin";  // "images.raw/3/1042"
// Why a message could not even be judged: closed, also a metric label.
enum class DeadReason {
  kUndecodable,      // not an ImageRecord, cut short, or of a closed set this version does not know
  kUnredacted,       // raw bytes on a safe topic
  kWrongCollection,  // of another collection than this service's
  kTooLarge,         // the outcome does not fit its topic and there is no blob store for it
  kBlobMissing,      // its payload is a reference to nothing, or to something else
  kRefusedByStage,   // the processor cannot work on it (ErrorCode::kInput)
};

std::string_view Name(DeadReason reason);  // "undecodable"

// On images.dead: the stage that gave up, the message it gave up on (as Origin; the origin header
// stays that of its arrival, if it had one), the reason and a line for a person.
inline constexpr std::string_view kDeadStageHeader = "winnow-dead-stage";
inline constexpr std::string_view kDeadMessageHeader = "winnow-dead-message";
inline constexpr std::string_view kDeadReasonHeader = "winnow-dead-reason";
inline constexpr std::string_view kDeadDetailHeader = "winnow-dead-detail";
// On a message without value, on the input of a stage: the image of this record id was erased. It is
// no record and has no outcome; the stage forgets what it held of it. Goes to every partition, since
// which one holds the image only the image would tell.
inline constexpr std::string_view kForgetHeader = "winnow-forget";
inline bool IsOrderToForget(std::optional<std::string_view> value,
                            std::optional<std::string_view> forget) {
  return !value && forget && !forget->empty();
}
// On messages that `winnow replay` drove again: how often.
inline constexpr std::string_view kReplayHeader = "winnow-replay";

std::string Format(const Origin& origin);
std::optional<Origin> ParseOrigin(std::string_view text);

// W3C Trace Context, level 1 (https://www.w3.org/TR/trace-context/).
inline constexpr std::string_view kTraceparentHeader = "traceparent";
inline constexpr std::string_view kTracestateHeader = "tracestate";  // carried unread

// The traceparent a stage sends on: same trace and flags, its own parent id, derived from the
// incoming one and the stage's name so that a redo sends the same. An absent or malformed one
// begins a trace of which `seed` (the origin) gives the id.
std::string NextTraceparent(std::optional<std::string_view> incoming, std::string_view stage,
                            std::string_view seed);

}  // namespace winnow::kafka
