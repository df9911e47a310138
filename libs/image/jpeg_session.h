// One use of libjpeg that cannot crash, print, exit or run for ever. Private to the room.
#pragma once

#include <csetjmp>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string_view>

#include <jpeglib.h>

#include "libs/image/decode_task.h"

namespace winnow::image {

// What ended the work before its time.
enum class JpegStop { kNone, kTruncated, kCorrupt, kUnsupported, kTooLarge, kTimeout };

// Hooks that libjpeg calls back, for a decompressor or a compressor. Trivially destructible, as
// everything that lives between setjmp and longjmp must be.
struct JpegGuard {
  jpeg_error_mgr errors;
  jpeg_progress_mgr progress;
  std::jmp_buf escape;
  const Deadline* deadline;
  unsigned calls;
  JpegStop stop;
  char message[JMSG_LENGTH_MAX];

  void Attach(j_common_ptr codec, const Deadline* limit);
};

// Runs `body`, which calls libjpeg; false if libjpeg gave up, with `guard.stop` and `message` set.
// `body` must not hold objects with destructors while it calls libjpeg: they would be skipped.
template <class Body>
bool Guarded(JpegGuard& guard, const Body& body) {
  if (setjmp(guard.escape) != 0) return false;
  body();
  return true;
}

// A decompressor over borrowed bytes, destroyed with the object.
class JpegReader {
 public:
  // `max_memory`: for libjpeg's own buffers, bytes. Reads the header; see `guard().stop`.
  JpegReader(std::string_view bytes, const Deadline* deadline, std::size_t max_memory);
  ~JpegReader() { jpeg_destroy_decompress(&codec_); }
  JpegReader(const JpegReader&) = delete;
  JpegReader& operator=(const JpegReader&) = delete;

  jpeg_decompress_struct& codec() { return codec_; }
  JpegGuard& guard() { return guard_; }

 private:
  jpeg_decompress_struct codec_{};
  JpegGuard guard_{};
};

record::Reason ReasonOf(JpegStop stop);

}  // namespace winnow::image
