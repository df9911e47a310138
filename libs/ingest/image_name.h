// Which files of a folder are images. Private to the room.
#pragma once

#include <string_view>

namespace winnow::ingest {

enum class NameKind {
  kImage,    // an image by its extension, readable or not: what is wrong with it is a verdict
  kNever,    // labels, tables, text: never looked into
  kUnknown,  // no or another extension: its first bytes decide
};

// By the extension, whatever its case.
NameKind KindOfName(std::string_view name);

// True if `head`, the first kHeadBytes of a file or all of a shorter one, starts like an image of
// any kind, also of kinds Winnow refuses.
inline constexpr int kHeadBytes = 32;
bool LooksLikeImage(std::string_view head);

// "dir/x.jpg" -> "dir/x"; a name without extension stays as it is.
std::string_view WithoutExtension(std::string_view path);
// "dir/x.jpg" -> "x.jpg"
std::string_view Basename(std::string_view path);
// "dir/sub/x.jpg" -> "dir/sub"; "" at the root
std::string_view Directory(std::string_view path);

}  // namespace winnow::ingest
