// Private to the codec: memory for one generated message at a time.
#pragma once

#include <google/protobuf/arena.h>

#include <array>
#include <cstddef>

namespace winnow::record {

// Messages made here live as long as it does. A record without image bytes fits into a buffer each
// thread has, so that its hundred parts cost no allocation each. Not nested within a thread.
class WireArena {
 public:
  WireArena() : arena_(Block().data(), Block().size()) {}

  template <class Message>
  Message* New() {
    return google::protobuf::Arena::CreateMessage<Message>(&arena_);
  }

 private:
  static std::array<char, 32u << 10>& Block() {
    alignas(std::max_align_t) static thread_local std::array<char, 32u << 10> block;
    return block;
  }

  google::protobuf::Arena arena_;
};

}  // namespace winnow::record
