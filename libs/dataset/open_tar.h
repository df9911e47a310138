// The open shard of one split: a growing tar file in staging and the digest of what went into it.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "libs/base/digest.h"
#include "libs/base/result.h"
#include "libs/dataset/files.h"
#include "libs/dataset/shard_state.h"
#include "libs/dataset/tar.h"

namespace winnow::dataset {

// Not thread-safe. After an Error the file may hold a part of what was written: drop the object and
// Resume at a committed position.
class OpenTar {
 public:
  // Begins an empty file at `path`, which must not exist. `files` must outlive the object.
  static Result<OpenTar> Begin(Files& files, const std::string& path);

  // Goes on after the first `bytes` bytes of `path`: cuts off what follows and reads the rest for
  // the digest. kCorruptState if the file is missing or shorter.
  static Result<OpenTar> Resume(Files& files, std::string path, std::uint64_t bytes,
                                std::uint64_t samples);

  std::uint64_t bytes() const { return bytes_; }
  std::uint64_t samples() const { return samples_; }
  bool dirty() const { return dirty_; }

  Status AppendSample(const std::vector<TarEntry>& entries);

  // Whole blocks of samples as another tar file holds them, in pieces of any size; not counted in
  // samples().
  Status AppendBlocks(std::string_view bytes) { return Write(bytes); }

  // On return all samples so far are on the disk.
  Status Sync();

  // Ends the tar file and syncs it; returns its SHA-256, hex. The object is used up.
  Result<std::string> Close();

 private:
  OpenTar(std::unique_ptr<AppendFile> file, std::uint64_t bytes, std::uint64_t samples);
  Status Write(std::string_view bytes);
  Status Flush();

  std::unique_ptr<AppendFile> file_;
  std::uint64_t bytes_;
  std::uint64_t samples_;
  Sha256Hasher hasher_;
  std::string buffer_;
  bool dirty_ = false;
};

}  // namespace winnow::dataset
