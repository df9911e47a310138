// One JPEG file written into a string. Private to the room.
#pragma once

#include <array>
#include <string>

#include "libs/image/jpeg_session.h"

namespace winnow::image {

// Receives what libjpeg writes. jpeg_mem_dest is no alternative: when it grows its buffer and then
// fails, the caller's pointer dangles. A failed append becomes a libjpeg error, not an exception.
struct JpegSink {
  jpeg_destination_mgr manager;
  std::string* out;
  std::array<JOCTET, 16384> buffer;
};

// A compressor that appends to `out`, destroyed with the object.
class JpegWriter {
 public:
  explicit JpegWriter(std::string& out);
  ~JpegWriter() { jpeg_destroy_compress(&codec_); }
  JpegWriter(const JpegWriter&) = delete;
  JpegWriter& operator=(const JpegWriter&) = delete;

  bool ok() const { return ok_; }  // false: see guard().message
  jpeg_compress_struct& codec() { return codec_; }
  JpegGuard& guard() { return guard_; }

 private:
  jpeg_compress_struct codec_{};
  JpegGuard guard_{};
  JpegSink sink_{};
  bool ok_ = false;
};

}  // namespace winnow::image
