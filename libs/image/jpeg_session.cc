#include "libs/image/jpeg_session.h"

#include <jerror.h>

namespace winnow::image {
namespace {

// Encoders write about 10 scans, the most a picture can use is some thousands, each of them a pass
// over all coefficients. libjpeg-turbo's own fuzzers stop at 500.
constexpr int kMaxScans = 500;
constexpr unsigned kCallsBetweenClockReads = 8;

JpegGuard& GuardOf(j_common_ptr codec) { return *static_cast<JpegGuard*>(codec->client_data); }

[[noreturn]] void Escape(JpegGuard& guard, JpegStop stop) {
  guard.stop = stop;
  std::longjmp(guard.escape, 1);
}

JpegStop StopOfError(int code) {
  switch (code) {
    case JERR_INPUT_EOF:
    case JERR_INPUT_EMPTY:
      return JpegStop::kTruncated;
    case JERR_BAD_PRECISION:
    case JERR_SOF_UNSUPPORTED:
    case JERR_ARITH_NOTIMPL:
    case JERR_CONVERSION_NOTIMPL:
    case JERR_FRACT_SAMPLE_NOTIMPL:
    case JERR_CCIR601_NOTIMPL:
    case JERR_NOTIMPL:
    case JERR_NOT_COMPILED:
      return JpegStop::kUnsupported;
    case JERR_IMAGE_TOO_BIG:
    case JERR_OUT_OF_MEMORY:
    case JERR_NO_BACKING_STORE:
    case JERR_WIDTH_OVERFLOW:
      return JpegStop::kTooLarge;
    default:
      return JpegStop::kCorrupt;
  }
}

// Of the warnings only those count after which pixels are wrong or missing.
JpegStop StopOfWarning(j_common_ptr codec) {
  switch (codec->err->msg_code) {
    case JWRN_JPEG_EOF:
      return JpegStop::kTruncated;
    case JWRN_HIT_MARKER: {
      constexpr int kEoi = 0xd9;
      const auto* reader = reinterpret_cast<j_decompress_ptr>(codec);
      return reader->unread_marker == kEoi ? JpegStop::kTruncated : JpegStop::kCorrupt;
    }
    case JWRN_HUFF_BAD_CODE:
    case JWRN_ARITH_BAD_CODE:
    case JWRN_MUST_RESYNC:
    case JWRN_BOGUS_PROGRESSION:
    case JWRN_EXTRANEOUS_DATA:
      return JpegStop::kCorrupt;
    default:
      return JpegStop::kNone;
  }
}

void OnError(j_common_ptr codec) {
  JpegGuard& guard = GuardOf(codec);
  codec->err->format_message(codec, guard.message);
  Escape(guard, StopOfError(codec->err->msg_code));
}

void OnMessage(j_common_ptr codec, int level) {
  if (level >= 0 || !codec->is_decompressor) return;
  const JpegStop stop = StopOfWarning(codec);
  if (stop == JpegStop::kNone) return;
  codec->err->format_message(codec, GuardOf(codec).message);
  Escape(GuardOf(codec), stop);
}

void OnOutput(j_common_ptr) {}

void OnProgress(j_common_ptr codec) {
  JpegGuard& guard = GuardOf(codec);
  if (codec->is_decompressor &&
      reinterpret_cast<j_decompress_ptr>(codec)->input_scan_number > kMaxScans) {
    std::snprintf(guard.message, sizeof guard.message, "more than %d scans", kMaxScans);
    Escape(guard, JpegStop::kTimeout);
  }
  if (guard.deadline == nullptr || ++guard.calls % kCallsBetweenClockReads != 0) return;
  if (!guard.deadline->Passed()) return;
  std::snprintf(guard.message, sizeof guard.message, "out of CPU time");
  Escape(guard, JpegStop::kTimeout);
}

}  // namespace

void JpegGuard::Attach(j_common_ptr codec, const Deadline* limit) {
  codec->err = jpeg_std_error(&errors);
  codec->client_data = this;
  errors.error_exit = OnError;
  errors.emit_message = OnMessage;
  errors.output_message = OnOutput;
  progress.progress_monitor = OnProgress;
  deadline = limit;
}

JpegReader::JpegReader(std::string_view bytes, const Deadline* deadline, std::size_t max_memory) {
  guard_.Attach(reinterpret_cast<j_common_ptr>(&codec_), deadline);
  Guarded(guard_, [&] {
    jpeg_create_decompress(&codec_);
    // jpeg_create_decompress clears everything but err and client_data.
    codec_.progress = &guard_.progress;
    codec_.mem->max_memory_to_use = static_cast<long>(max_memory);
    jpeg_mem_src(&codec_, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
    jpeg_read_header(&codec_, TRUE);
  });
}

record::Reason ReasonOf(JpegStop stop) {
  switch (stop) {
    case JpegStop::kTruncated: return record::Reason::kTruncated;
    case JpegStop::kUnsupported: return record::Reason::kUnsupportedFormat;
    case JpegStop::kTooLarge: return record::Reason::kTooManyPixels;
    case JpegStop::kTimeout: return record::Reason::kDecodeTimeout;
    case JpegStop::kNone:
    case JpegStop::kCorrupt: break;
  }
  return record::Reason::kCorrupt;
}

}  // namespace winnow::image
