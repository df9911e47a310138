#include <png.h>

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include "libs/image/containers.h"
#include "libs/image/decode_task.h"
#include "libs/image/exif_block.h"

namespace winnow::image {
namespace {

using record::ImageFormat;
using record::Reason;

// State libpng calls back into; trivially destructible, since libpng leaves by longjmp.
struct PngInput {
  const char* next;
  std::size_t left;
  Reason stop;
  char message[200];
};

void SetMessage(PngInput& input, const char* text) {
  std::snprintf(input.message, sizeof input.message, "%s", text);
}

[[noreturn]] void OnError(png_structp png, png_const_charp message) {
  auto& input = *static_cast<PngInput*>(png_get_error_ptr(png));
  if (input.stop == Reason::kNone) {
    input.stop = Reason::kCorrupt;
    SetMessage(input, message);
  }
  png_longjmp(png, 1);
}

// Warnings concern ancillary chunks; damaged picture data is an error.
void OnWarning(png_structp, png_const_charp) {}

void OnRead(png_structp png, png_bytep to, std::size_t size) {
  auto& input = *static_cast<PngInput*>(png_get_io_ptr(png));
  if (size > input.left) {
    input.stop = Reason::kTruncated;
    SetMessage(input, "the file ends before its picture");
    png_error(png, input.message);
  }
  std::memcpy(to, input.next, size);
  input.next += size;
  input.left -= size;
}

class PngReader {
 public:
  explicit PngReader(std::string_view bytes) : input_{bytes.data(), bytes.size(), {}, {}} {
    png_ = png_create_read_struct(PNG_LIBPNG_VER_STRING, &input_, OnError, OnWarning);
    if (png_ == nullptr) throw std::bad_alloc();
    info_ = png_create_info_struct(png_);
    png_set_read_fn(png_, &input_, OnRead);
  }
  ~PngReader() { png_destroy_read_struct(&png_, &info_, nullptr); }
  PngReader(const PngReader&) = delete;
  PngReader& operator=(const PngReader&) = delete;

  png_structp png() { return png_; }
  png_infop info() { return info_; }
  PngInput& input() { return input_; }

  // As Guarded of jpeg_session.h.
  template <class Body>
  bool Run(const Body& body) {
    if (setjmp(png_jmpbuf(png_)) != 0) return false;
    body();
    return true;
  }

 private:
  PngInput input_;
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
};

// Only chunks that make pixels: text and profiles may be compressed bombs.
void ReadHeader(png_structp png, png_infop info) {
  png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, nullptr, -1);
  png_set_user_limits(png, 0x7fffffff, 0x7fffffff);
  png_read_info(png, info);
}

// To 8 bits, BGR or (with any kind of transparency) BGRA. Returns the passes to read.
int SetTransforms(png_structp png, png_infop info) {
  png_set_expand(png);
  png_set_scale_16(png);
  png_set_gray_to_rgb(png);
  png_set_bgr(png);
  const int passes = png_set_interlace_handling(png);
  png_read_update_info(png, info);
  return passes;
}

struct PngPlan {
  int passes = 1;
  bool alpha = false;
  std::uint8_t* scratch = nullptr;  // with alpha: one BGRA row, or all rows if interlaced
};

void CheckTime(png_structp png, const Deadline& deadline, std::uint32_t row) {
  if (row % 16 != 0 || !deadline.Passed()) return;
  auto& input = *static_cast<PngInput*>(png_get_error_ptr(png));
  input.stop = Reason::kDecodeTimeout;
  SetMessage(input, "out of CPU time");
  png_error(png, input.message);
}

void ReadPass(png_structp png, const PngPlan& plan, const Deadline& deadline, Pixels& pixels) {
  for (std::uint32_t y = 0; y < pixels.height; ++y) {
    CheckTime(png, deadline, y);
    std::uint8_t* row = &pixels.bgr[std::size_t{y} * pixels.width * 3];
    if (!plan.alpha) {
      png_read_row(png, row, nullptr);
      continue;
    }
    std::uint8_t* bgra = plan.scratch + (plan.passes > 1 ? std::size_t{y} * pixels.width * 4 : 0);
    png_read_row(png, bgra, nullptr);
    OverWhite(bgra, pixels.width, row);
  }
}

void ReadPicture(PngReader& reader, const PngPlan& plan, const Deadline& deadline,
                 Pixels& pixels) {
  for (int pass = 0; pass < plan.passes; ++pass) {
    ReadPass(reader.png(), plan, deadline, pixels);
  }
  png_read_end(reader.png(), nullptr);
}

Decoded FaultOf(const PngInput& input) { return Fault(input.stop, input.message); }

// Deflate shrinks at most 1032 times.
bool TooShortForItsSize(PngReader& reader, std::size_t bytes) {
  constexpr std::uint64_t kMaxDeflateRatio = 1032;
  const std::uint64_t height = png_get_image_height(reader.png(), reader.info());
  return height * png_get_rowbytes(reader.png(), reader.info()) / kMaxDeflateRatio > bytes;
}

}  // namespace

Decoded DecodePng(const DecodeTask& task) {
  PngReader reader(task.bytes);
  if (!reader.Run([&] { ReadHeader(reader.png(), reader.info()); })) {
    return FaultOf(reader.input());
  }
  const std::uint32_t width = png_get_image_width(reader.png(), reader.info());
  const std::uint32_t height = png_get_image_height(reader.png(), reader.info());
  Decoded fault = CheckSize(task, width, height);
  if (fault.fault != Reason::kNone) return fault;
  if (TooShortForItsSize(reader, task.bytes.size())) {
    return Fault(Reason::kTruncated, fmt::format("{} bytes cannot hold {}x{} pixels",
                                                 task.bytes.size(), width, height));
  }
  PngPlan plan;
  if (!reader.Run([&] { plan.passes = SetTransforms(reader.png(), reader.info()); })) {
    return FaultOf(reader.input());
  }
  plan.alpha = png_get_channels(reader.png(), reader.info()) == 4;
  std::vector<std::uint8_t> scratch(
      plan.alpha ? std::size_t{width} * 4 * (plan.passes > 1 ? height : 1) : 0);
  plan.scratch = scratch.data();
  auto frame = NewFrame(ImageFormat::kPng, width, height);
  frame->orientation = ExifOrientation(PngExif(task.bytes));
  if (!reader.Run([&] { ReadPicture(reader, plan, task.deadline, frame->pixels); })) {
    return FaultOf(reader.input());
  }
  return {std::move(frame), Reason::kNone, {}};
}

}  // namespace winnow::image
