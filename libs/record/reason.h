// What became of a record, and why: two closed sets shared by verdicts, metric labels, reports and
// tests.
#pragma once

#include <array>
#include <optional>
#include <string_view>

namespace winnow::record {

// Every record leaves every stage with exactly one of these.
enum class Disposition {
  kForwarded,  // goes on to the next stage
  kRejected,   // refused, with a Reason; its record without payload is kept
  kDeferred,   // held in the balancer's reserve; may still be admitted
  kReview,     // could not be judged safe: a person must look. Never forwarded
  kStored,     // written to the dataset
};

enum class Reason {
  kNone,
  // reading and decoding
  kEmptyFile,
  kUnreadable,
  kTooManyBytes,
  kUnsupportedFormat,
  kTruncated,
  kCorrupt,
  kTooManyPixels,
  kDecodeTimeout,
  // quality
  kTooSmall,
  kAspectRatio,
  kTooDark,
  kTooBright,
  kBlurry,
  kNoisy,
  kLowInformation,
  kOvercompressed,
  // annotations and consent
  kAnnotationUnreadable,
  kAnnotationInvalid,
  kUnknownLabel,
  kConsentMissing,
  kConsentPurpose,
  kConsentExpired,
  // privacy
  kResidualFace,     // review: a face is still found after redaction
  kUnredactable,     // review: the file cannot be rewritten safely
  kMostlyRedacted,   // rejected: too little of the picture is left to be useful
  // duplicates
  kExactDuplicate,
  kNearDuplicate,
  kSuperseded,       // rejected after it was forwarded: a better copy took its place
  // balance
  kOverTargetShare,  // deferred: its stratum has more than its share
  kQuotaReached,     // deferred: its class has all the images the objective asks for
  kReserveFull,      // rejected: pushed out of the reserve by better images
};

inline constexpr std::array kAllDispositions = {Disposition::kForwarded, Disposition::kRejected,
                                                Disposition::kDeferred, Disposition::kReview,
                                                Disposition::kStored};

inline constexpr std::array kAllReasons = {
    Reason::kNone,           Reason::kEmptyFile,        Reason::kUnreadable,
    Reason::kTooManyBytes,   Reason::kUnsupportedFormat, Reason::kTruncated,
    Reason::kCorrupt,        Reason::kTooManyPixels,    Reason::kDecodeTimeout,
    Reason::kTooSmall,       Reason::kAspectRatio,      Reason::kTooDark,
    Reason::kTooBright,      Reason::kBlurry,           Reason::kNoisy,
    Reason::kLowInformation, Reason::kOvercompressed,   Reason::kAnnotationUnreadable,
    Reason::kAnnotationInvalid, Reason::kUnknownLabel,  Reason::kConsentMissing,
    Reason::kConsentPurpose, Reason::kConsentExpired,   Reason::kResidualFace,
    Reason::kUnredactable,   Reason::kMostlyRedacted,   Reason::kExactDuplicate,
    Reason::kNearDuplicate,  Reason::kSuperseded,       Reason::kOverTargetShare,
    Reason::kQuotaReached,   Reason::kReserveFull};

// Lower snake case, as in metric labels and JSON: "near_duplicate". Name(kNone) is "none".
std::string_view Name(Disposition disposition);
std::string_view Name(Reason reason);
std::optional<Reason> ReasonFromName(std::string_view name);

// One sentence for a person: what happened and what to do about it.
std::string_view Explain(Reason reason);

}  // namespace winnow::record
