#include "services/deduper/growing_memory.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "libs/base/check.h"

namespace winnow::deduper {
namespace {

constexpr std::size_t kHugePage = 2u << 20;
constexpr std::size_t kFewestAddresses = 2 * kHugePage;
// Arrays grow by multiples of it: small enough to waste little in a hundred arrays, large enough
// to ask the kernel seldom.
constexpr std::size_t kStep = 16u << 10;

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25  // Linux 6.1; the headers of Debian 12's libc do not name it
#endif

std::size_t RoundUp(std::size_t bytes, std::size_t step) { return (bytes + step - 1) / step * step; }

// Bytes to map for an array of `bytes`.
std::size_t WithPadding(std::size_t bytes) {
  return bytes == 0 ? 0 : RoundUp(bytes + GrowingMemory::kPadding, kStep);
}

// Addresses that fault, a multiple of a huge page, or nullptr.
std::byte* Reserve(std::size_t bytes) {
  void* all = ::mmap(nullptr, bytes + kHugePage, PROT_NONE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (all == MAP_FAILED) return nullptr;
  auto* begin = static_cast<std::byte*>(all);
  const auto address = reinterpret_cast<std::uintptr_t>(begin);
  const std::size_t before = RoundUp(address, kHugePage) - address;
  if (before > 0) ::munmap(begin, before);
  ::munmap(begin + before + bytes, kHugePage - before);
  return begin + before;
}

// A new file in `directory` that has no name any more, or -1.
int OpenNameless(const std::string& directory) {
  std::string path = directory + "/duplicates-XXXXXX";
  const int file = ::mkostemp(path.data(), O_CLOEXEC);
  if (file >= 0) ::unlink(path.c_str());
  return file;
}

}  // namespace

GrowingMemory::GrowingMemory(GrowingMemory&& other) noexcept { *this = std::move(other); }

GrowingMemory& GrowingMemory::operator=(GrowingMemory&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(mapped_, other.mapped_);
  std::swap(held_, other.held_);
  std::swap(reserved_, other.reserved_);
  std::swap(huge_, other.huge_);
  std::swap(file_, other.file_);
  std::swap(directory_, other.directory_);
  return *this;
}

GrowingMemory::~GrowingMemory() {
  if (data_ != nullptr) ::munmap(data_, reserved_);
  if (file_ >= 0) ::close(file_);
}

Error GrowingMemory::NoRoom(std::size_t bytes, int why) const {
  if (!in_file()) {
    return UnavailableError(
        fmt::format("no memory for {} bytes of the index of fingerprints: {}", bytes,
                    std::strerror(why)));
  }
  return UnavailableError(
      fmt::format("no room for {} bytes of the index of fingerprints in {}: {}; free disk space",
                  bytes, directory_, std::strerror(why)));
}

Result<GrowingMemory> GrowingMemory::InFile(const std::string& directory) {
  GrowingMemory array;
  array.directory_ = directory;
  array.file_ = OpenNameless(directory);
  if (array.file_ < 0) {
    return UnavailableError(fmt::format("cannot write the index of fingerprints to {}: {}",
                                        directory, std::strerror(errno)));
  }
  return array;
}

Status GrowingMemory::MoveToFile(const std::string& directory) {
  WINNOW_CHECK(held_ == mapped_);
  WINNOW_ASSIGN_OR_RETURN(GrowingMemory moved, InFile(directory));
  if (mapped_ > 0) {
    WINNOW_RETURN_IF_ERROR(moved.Resize(mapped_ - kPadding));
    std::memcpy(moved.data_, data_, mapped_);
  }
  *this = std::move(moved);
  return {};
}

Status GrowingMemory::Resize(std::size_t bytes) {
  UseHugePages();
  const std::size_t before = mapped_;
  const std::size_t wanted = WithPadding(bytes);
  // Cutting a file makes the file system wait for what it is writing: not for a little.
  if (in_file() && wanted < before && wanted > before - before / 4) return {};
  if (wanted < before) {
    Unmap(wanted);
    held_ = wanted;
  }
  if (wanted <= before) return {};
  WINNOW_RETURN_IF_ERROR(Map(wanted));
  Status held = Hold(before, wanted - before);
  if (!held) Unmap(before);
  return held;
}

Status GrowingMemory::ExtendSparse(std::size_t bytes) {
  const std::size_t before = mapped_;
  const std::size_t wanted = RoundUp(bytes, kHole);
  if (wanted <= before) return {};
  WINNOW_RETURN_IF_ERROR(Map(wanted));
  if (!in_file()) ::madvise(data_ + before, wanted - before, MADV_HUGEPAGE);
  return {};
}

Status GrowingMemory::Map(std::size_t bytes) {
  if (bytes > reserved_) WINNOW_RETURN_IF_ERROR(ReserveAddresses(bytes));
  if (in_file()) {
    if (::ftruncate(file_, static_cast<off_t>(bytes)) != 0) return NoRoom(bytes - mapped_, errno);
    WINNOW_RETURN_IF_ERROR(MapFile(mapped_, bytes));
  } else if (::mprotect(data_ + mapped_, bytes - mapped_, PROT_READ | PROT_WRITE) != 0) {
    return NoRoom(bytes - mapped_, errno);
  }
  mapped_ = bytes;
  return {};
}

Status GrowingMemory::ReserveAddresses(std::size_t bytes) {
  const std::size_t wanted = std::bit_ceil(std::max(bytes, kFewestAddresses));
  std::byte* place = Reserve(wanted);
  if (place == nullptr) return NoRoom(bytes, errno);
  if (mapped_ > 0) {
    const void* moved = ::mremap(data_, mapped_, mapped_, MREMAP_MAYMOVE | MREMAP_FIXED, place);
    if (moved == MAP_FAILED) {
      const int why = errno;
      ::munmap(place, wanted);
      return NoRoom(bytes, why);
    }
  }
  if (data_ != nullptr) ::munmap(data_, reserved_);
  data_ = place;
  reserved_ = wanted;
  return {};
}

Status GrowingMemory::MapFile(std::size_t from, std::size_t to) {
  const void* mapped = ::mmap(data_ + from, to - from, PROT_READ | PROT_WRITE,
                              MAP_SHARED | MAP_FIXED, file_, static_cast<off_t>(from));
  if (mapped == MAP_FAILED) return NoRoom(to - from, errno);
  return {};
}

Status GrowingMemory::AllocateInFile(std::size_t offset, std::size_t bytes) const {
  int why = 0;
  do {
    why = ::posix_fallocate(file_, static_cast<off_t>(offset), static_cast<off_t>(bytes));
  } while (why == EINTR);
  if (why != 0) return NoRoom(bytes, why);
  return {};
}

Status GrowingMemory::Hold(std::size_t offset, std::size_t bytes) {
  WINNOW_CHECK(offset + bytes <= mapped_);
  if (in_file()) WINNOW_RETURN_IF_ERROR(AllocateInFile(offset, bytes));
  held_ += bytes;
  return {};
}

void GrowingMemory::Discard(std::size_t offset, std::size_t bytes) {
  WINNOW_CHECK(offset + bytes <= mapped_ && bytes <= held_);
  if (in_file()) {
    // Where the file system cannot punch holes the room stays taken, which costs disk and no more.
    ::fallocate(file_, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(offset),
                static_cast<off_t>(bytes));
  } else {
    ::madvise(data_ + offset, bytes, MADV_DONTNEED);
  }
  held_ -= bytes;
}

void GrowingMemory::Unmap(std::size_t bytes) {
  // Fresh addresses in place of the pages: gives them back and faults on a stray access.
  const void* emptied =
      ::mmap(data_ + bytes, mapped_ - bytes, PROT_NONE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
  WINNOW_CHECK(emptied != MAP_FAILED);
  if (in_file()) WINNOW_CHECK(::ftruncate(file_, static_cast<off_t>(bytes)) == 0);
  mapped_ = bytes;
  huge_ = std::min(huge_, mapped_ / kHugePage * kHugePage);
}

// The pages at the end are touched as soon as they are mapped, too early for the kernel to make
// them huge by itself. Where it cannot on demand (before 6.1), it may in its own time.
void GrowingMemory::UseHugePages() {
  const std::size_t full = mapped_ / kHugePage * kHugePage;
  if (in_file() || full <= huge_) return;
  ::madvise(data_ + huge_, full - huge_, MADV_HUGEPAGE);
  ::madvise(data_ + huge_, full - huge_, MADV_COLLAPSE);
  huge_ = full;
}

void GrowingMemory::ExpectSequentialAccess() const {
  if (in_file() && mapped_ > 0) ::madvise(data_, mapped_, MADV_NORMAL);
}

void GrowingMemory::ExpectRandomAccess() const {
  if (in_file() && mapped_ > 0) ::madvise(data_, mapped_, MADV_RANDOM);
}

}  // namespace winnow::deduper
