// Private to the codec: an encoded record parted into what its outline is and the rest, by the
// numbers of its fields and without looking into them.
#pragma once

#include <string>
#include <string_view>

namespace winnow::record {

struct Parted {
  std::string outline;
  std::string rest;
};

// Fields keep their order in both. False if `bytes` are not fields in a row, or use what
// winnow.v1 never does; then `parted` is of no use.
bool Part(std::string_view bytes, Parted& parted);

}  // namespace winnow::record
