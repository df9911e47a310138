#include "libs/record/reason.h"

namespace winnow::record {

std::string_view Name(Disposition disposition) {
  switch (disposition) {
    case Disposition::kForwarded: return "forwarded";
    case Disposition::kRejected: return "rejected";
    case Disposition::kDeferred: return "deferred";
    case Disposition::kReview: return "review";
    case Disposition::kStored: return "stored";
  }
  return "unknown";
}

std::string_view Name(Reason reason) {
  switch (reason) {
    case Reason::kNone: return "none";
    case Reason::kEmptyFile: return "empty_file";
    case Reason::kUnreadable: return "unreadable";
    case Reason::kTooManyBytes: return "too_many_bytes";
    case Reason::kUnsupportedFormat: return "unsupported_format";
    case Reason::kTruncated: return "truncated";
    case Reason::kCorrupt: return "corrupt";
    case Reason::kTooManyPixels: return "too_many_pixels";
    case Reason::kDecodeTimeout: return "decode_timeout";
    case Reason::kTooSmall: return "too_small";
    case Reason::kAspectRatio: return "aspect_ratio";
    case Reason::kTooDark: return "too_dark";
    case Reason::kTooBright: return "too_bright";
    case Reason::kBlurry: return "blurry";
    case Reason::kNoisy: return "noisy";
    case Reason::kLowInformation: return "low_information";
    case Reason::kOvercompressed: return "overcompressed";
    case Reason::kAnnotationUnreadable: return "annotation_unreadable";
    case Reason::kAnnotationInvalid: return "annotation_invalid";
    case Reason::kUnknownLabel: return "unknown_label";
    case Reason::kConsentMissing: return "consent_missing";
    case Reason::kConsentPurpose: return "consent_purpose";
    case Reason::kConsentExpired: return "consent_expired";
    case Reason::kResidualFace: return "residual_face";
    case Reason::kUnredactable: return "unredactable";
    case Reason::kMostlyRedacted: return "mostly_redacted";
    case Reason::kExactDuplicate: return "exact_duplicate";
    case Reason::kNearDuplicate: return "near_duplicate";
    case Reason::kSuperseded: return "superseded";
    case Reason::kOverTargetShare: return "over_target_share";
    case Reason::kQuotaReached: return "quota_reached";
    case Reason::kReserveFull: return "reserve_full";
  }
  return "unknown";
}

std::optional<Reason> ReasonFromName(std::string_view name) {
  for (const Reason reason : kAllReasons) {
    if (Name(reason) == name) return reason;
  }
  return std::nullopt;
}

std::string_view Explain(Reason reason) {
  switch (reason) {
    case Reason::kNone: return "Nothing was found against it.";
    case Reason::kEmptyFile: return "The file has no bytes; check the upload or copy that made it.";
    case Reason::kUnreadable: return "The file could not be read; check permissions and the disk.";
    case Reason::kTooManyBytes: return "The file is larger than validate.max_bytes.";
    case Reason::kUnsupportedFormat:
      return "The content is not JPEG, PNG, WebP, TIFF or BMP, whatever its name says.";
    case Reason::kTruncated: return "The file ends before the picture does; fetch it again.";
    case Reason::kCorrupt: return "The file is damaged and cannot be decoded whole.";
    case Reason::kTooManyPixels: return "The picture has more pixels than validate.max_pixels.";
    case Reason::kDecodeTimeout: return "Decoding takes more work than validate.max_decode_seconds allows.";
    case Reason::kTooSmall: return "The shorter side is below validate.min_side.";
    case Reason::kAspectRatio: return "The picture is longer and thinner than validate.max_aspect_ratio.";
    case Reason::kTooDark: return "Even its bright parts are dark (validate.min_brightness).";
    case Reason::kTooBright: return "Even its dark parts are bright (validate.max_brightness).";
    case Reason::kBlurry: return "Out of focus or moved (validate.min_sharpness).";
    case Reason::kNoisy: return "Grainy from low light or high gain (validate.max_noise).";
    case Reason::kLowInformation: return "Nearly one flat tone: lens cap, blank page, fog (validate.min_entropy).";
    case Reason::kOvercompressed: return "Compressed until blocks show (validate.max_blockiness).";
    case Reason::kAnnotationUnreadable: return "Its label file cannot be parsed.";
    case Reason::kAnnotationInvalid: return "A label lies outside the picture or has no area.";
    case Reason::kUnknownLabel: return "A label names a class that the spec does not list.";
    case Reason::kConsentMissing: return "The spec requires a legal basis and the record declares none.";
    case Reason::kConsentPurpose: return "The declared purposes do not cover this collection's purpose.";
    case Reason::kConsentExpired: return "The consent ended before the record arrived.";
    case Reason::kResidualFace: return "A face is still visible after redaction; a person must look.";
    case Reason::kUnredactable: return "The file cannot be rewritten safely; a person must look.";
    case Reason::kMostlyRedacted: return "Redaction covers more than privacy.max_redacted_ratio of it.";
    case Reason::kExactDuplicate: return "The same picture, byte for byte, came earlier.";
    case Reason::kNearDuplicate: return "The same picture came earlier, re-encoded, resized or edited.";
    case Reason::kSuperseded: return "A sharper or larger copy came later and took its place.";
    case Reason::kOverTargetShare: return "Its kind has more than its target share; kept in reserve.";
    case Reason::kQuotaReached: return "Its class has all the images the objective asks for; kept in reserve.";
    case Reason::kReserveFull: return "The reserve was full of better images of its kind.";
  }
  return "";
}

}  // namespace winnow::record
