// The few things Winnow needs from an EXIF block, read with bounds on every step. Private to the
// room. An EXIF block is a TIFF structure: byte order mark, then chained directories (IFDs).
#pragma once

#include <set>
#include <string>
#include <string_view>

namespace winnow::image {

// Kinds of metadata, as reported in Redacted::stripped.
using Kinds = std::set<std::string>;

// Tag 0x0112 of the first IFD, 1..8; 1 if absent or unreadable. `tiff` starts at the byte order
// mark.
int ExifOrientation(std::string_view tiff);

// What a person might not want published: "gps", "serial" (also owner names), "maker_note",
// "thumbnail", "iptc", "xmp", "comment" (also descriptions); "exif" for any block at all. Never
// fails: an unreadable block is "exif".
Kinds ExifKinds(std::string_view tiff);

// A block with nothing but the orientation, little-endian, 26 bytes.
std::string OrientationExif(int orientation);

}  // namespace winnow::image
