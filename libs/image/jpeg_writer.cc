#include "libs/image/jpeg_writer.h"

#include <jerror.h>

#include <new>

namespace winnow::image {
namespace {

JpegSink& SinkOf(j_compress_ptr codec) { return *reinterpret_cast<JpegSink*>(codec->dest); }

bool Append(JpegSink& sink, std::size_t size) noexcept {
  try {
    sink.out->append(reinterpret_cast<const char*>(sink.buffer.data()), size);
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

void Rewind(JpegSink& sink) {
  sink.manager.next_output_byte = sink.buffer.data();
  sink.manager.free_in_buffer = sink.buffer.size();
}

void Start(j_compress_ptr codec) { Rewind(SinkOf(codec)); }

void Flush(j_compress_ptr codec, std::size_t size) {
  if (!Append(SinkOf(codec), size)) {
    codec->err->msg_code = JERR_FILE_WRITE;
    codec->err->error_exit(reinterpret_cast<j_common_ptr>(codec));
  }
  Rewind(SinkOf(codec));
}

boolean OnFull(j_compress_ptr codec) {
  Flush(codec, SinkOf(codec).buffer.size());
  return TRUE;
}

void OnEnd(j_compress_ptr codec) {
  Flush(codec, SinkOf(codec).buffer.size() - SinkOf(codec).manager.free_in_buffer);
}

}  // namespace

JpegWriter::JpegWriter(std::string& out) {
  guard_.Attach(reinterpret_cast<j_common_ptr>(&codec_), nullptr);
  sink_.manager.init_destination = Start;
  sink_.manager.empty_output_buffer = OnFull;
  sink_.manager.term_destination = OnEnd;
  sink_.out = &out;
  ok_ = Guarded(guard_, [&] {
    jpeg_create_compress(&codec_);
    codec_.dest = &sink_.manager;
  });
}

}  // namespace winnow::image
