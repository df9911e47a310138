// What the decoders of the single formats share. Private to the room.
#pragma once

#include <ctime>
#include <string>
#include <string_view>
#include <utility>

#include "libs/image/decode.h"

namespace winnow::image {

// CPU time of the calling thread, so that a busy machine does not make an image "slow".
class Deadline {
 public:
  explicit Deadline(double seconds) : at_(Now() + seconds) {}
  bool Passed() const { return Now() > at_; }

 private:
  static double Now() {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
  }
  double at_;
};

struct DecodeTask {
  std::string_view bytes;
  const DecodeLimits& limits;
  const Deadline& deadline;
};

inline Decoded Fault(record::Reason reason, std::string detail) {
  return {nullptr, reason, std::move(detail)};
}

// The fault if a picture of this size may not be allocated.
Decoded CheckSize(const DecodeTask& task, std::uint64_t width, std::uint64_t height);

std::shared_ptr<Frame> NewFrame(record::ImageFormat format, std::uint32_t width,
                                std::uint32_t height);

// One row of BGRA (not premultiplied) over white. `to` may be `from`.
void OverWhite(const std::uint8_t* from, std::uint32_t width, std::uint8_t* to);

// Each takes bytes that SniffFormat recognised.
Decoded DecodeJpeg(const DecodeTask& task);
Decoded DecodePng(const DecodeTask& task);
Decoded DecodeWebp(const DecodeTask& task);
Decoded DecodeTiff(const DecodeTask& task);
Decoded DecodeBmp(const DecodeTask& task);

}  // namespace winnow::image
