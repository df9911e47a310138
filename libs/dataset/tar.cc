#include "libs/dataset/tar.h"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>

#include <memory>

namespace winnow::dataset {
namespace {

constexpr std::uint64_t kBlock = 512;
constexpr std::size_t kMaxUstarName = 100;

struct WriteDeleter {
  void operator()(archive* tar) const { archive_write_free(tar); }
};
struct ReadDeleter {
  void operator()(archive* tar) const { archive_read_free(tar); }
};
struct EntryDeleter {
  void operator()(archive_entry* entry) const { archive_entry_free(entry); }
};
using TarEntryPtr = std::unique_ptr<archive_entry, EntryDeleter>;

std::string LastError(archive* tar) {
  const char* message = archive_error_string(tar);
  return message == nullptr ? "unknown error" : message;
}

// What libarchive writes to: passes on until muted or until the first Error, which it remembers.
// libarchive is not told: it would leak what it holds of a stream that failed.
struct Destination {
  const std::function<Status(std::string_view)>& write;
  Status status;
  bool muted = false;

  static la_ssize_t Write(archive*, void* self, const void* bytes, size_t length) {
    auto& to = *static_cast<Destination*>(self);
    if (to.status && !to.muted) {
      to.status = to.write(std::string_view(static_cast<const char*>(bytes), length));
    }
    return static_cast<la_ssize_t>(length);
  }
};

TarEntryPtr HeaderOf(const TarEntry& entry) {
  TarEntryPtr header(archive_entry_new());
  archive_entry_set_pathname(header.get(), entry.name.c_str());
  archive_entry_set_filetype(header.get(), AE_IFREG);
  archive_entry_set_perm(header.get(), 0644);
  archive_entry_set_uid(header.get(), 0);
  archive_entry_set_gid(header.get(), 0);
  archive_entry_set_mtime(header.get(), 0, 0);
  archive_entry_set_size(header.get(), static_cast<la_int64_t>(entry.bytes.size()));
  return header;
}

Status WriteEntry(archive* tar, const TarEntry& entry, const Destination& to) {
  if (entry.name.size() > kMaxUstarName) return BugError("tar entry name too long: " + entry.name);
  const TarEntryPtr header = HeaderOf(entry);
  const bool written =
      archive_write_header(tar, header.get()) == ARCHIVE_OK &&
      archive_write_data(tar, entry.bytes.data(), entry.bytes.size()) ==
          static_cast<la_ssize_t>(entry.bytes.size()) &&
      archive_write_finish_entry(tar) == ARCHIVE_OK;
  if (!to.status) return to.status;
  if (written) return {};
  return BugError(fmt::format("cannot write tar entry {}: {}", entry.name, LastError(tar)));
}

Status ReadEntry(archive* tar, archive_entry* header, std::uint64_t max_bytes,
                 std::string& bytes) {
  const la_int64_t size = archive_entry_size(header);
  if (size < 0 || static_cast<std::uint64_t>(size) > max_bytes) {
    return InputError("an entry is larger than allowed");
  }
  bytes.resize(static_cast<std::size_t>(size));
  const la_ssize_t got = archive_read_data(tar, bytes.data(), bytes.size());
  if (got != size) return InputError(got < 0 ? LastError(tar) : "an entry ends early");
  return {};
}

}  // namespace

std::uint64_t TarBytes(const std::vector<TarEntry>& entries) {
  std::uint64_t total = 0;
  for (const TarEntry& entry : entries) {
    total += kBlock + (entry.bytes.size() + kBlock - 1) / kBlock * kBlock;
  }
  return total;
}

Status WriteTarEntries(const std::vector<TarEntry>& entries,
                       const std::function<Status(std::string_view)>& write) {
  Destination to{write, {}, false};
  const std::unique_ptr<archive, WriteDeleter> tar(archive_write_new());
  if (archive_write_set_format_ustar(tar.get()) != ARCHIVE_OK ||
      archive_write_add_filter_none(tar.get()) != ARCHIVE_OK ||
      archive_write_set_bytes_per_block(tar.get(), 0) != ARCHIVE_OK ||
      archive_write_open2(tar.get(), &to, nullptr, &Destination::Write, nullptr, nullptr) !=
          ARCHIVE_OK) {
    return BugError("cannot start a tar stream: " + LastError(tar.get()));
  }
  Status status;
  for (const TarEntry& entry : entries) {
    status = WriteEntry(tar.get(), entry, to);
    if (!status) break;
  }
  to.muted = true;  // libarchive ends the archive when freed; the shard goes on
  return status;
}

std::string TarTrailer() { return std::string(kTarTrailerBytes, '\0'); }

Status ReadTar(const std::string& path, std::uint64_t max_entry_bytes,
               const std::function<Status(const std::string& name, const std::string& bytes)>&
                   visit) {
  const std::unique_ptr<archive, ReadDeleter> tar(archive_read_new());
  archive_read_support_format_tar(tar.get());
  if (archive_read_open_filename(tar.get(), path.c_str(), 64u << 10) != ARCHIVE_OK) {
    return InputError(fmt::format("{}: {}", path, LastError(tar.get())));
  }
  std::string bytes;
  for (;;) {
    archive_entry* header = nullptr;
    const int next = archive_read_next_header(tar.get(), &header);
    if (next == ARCHIVE_EOF) return {};
    if (next != ARCHIVE_OK) return InputError(fmt::format("{}: {}", path, LastError(tar.get())));
    const char* name = archive_entry_pathname(header);
    if (auto read = ReadEntry(tar.get(), header, max_entry_bytes, bytes); !read) {
      return InputError(fmt::format("{}: {}", path, read.error().message));
    }
    WINNOW_RETURN_IF_ERROR(visit(name == nullptr ? "" : name, bytes));
  }
}

}  // namespace winnow::dataset
