#include "libs/dataset/open_tar.h"

#include <fmt/format.h>

namespace winnow::dataset {
namespace {

constexpr std::size_t kBufferBytes = 1u << 20;

}  // namespace

OpenTar::OpenTar(std::unique_ptr<AppendFile> file, std::uint64_t bytes, std::uint64_t samples)
    : file_(std::move(file)), bytes_(bytes), samples_(samples) {}

Result<OpenTar> OpenTar::Begin(Files& files, const std::string& path) {
  WINNOW_ASSIGN_OR_RETURN(auto file, files.OpenAppend(path));
  return OpenTar(std::move(file), 0, 0);
}

Result<OpenTar> OpenTar::Resume(Files& files, std::string path, std::uint64_t bytes,
                                std::uint64_t samples) {
  WINNOW_ASSIGN_OR_RETURN(const auto size, files.Size(path));
  if (!size || *size < bytes) {
    return CorruptStateError(fmt::format(
        "{} {}, but {} bytes of it were committed; put it back or start a new output directory",
        path, size ? fmt::format("has {} bytes", *size) : "is missing", bytes));
  }
  if (*size > bytes) WINNOW_RETURN_IF_ERROR(files.Truncate(path, bytes));
  Sha256Hasher hasher;
  WINNOW_RETURN_IF_ERROR(
      files.Read(path, bytes, [&](std::string_view piece) { hasher.Update(piece); }));
  WINNOW_ASSIGN_OR_RETURN(auto file, files.OpenAppend(path));
  OpenTar tar(std::move(file), bytes, samples);
  tar.hasher_ = std::move(hasher);
  return tar;
}

Status OpenTar::AppendSample(const std::vector<TarEntry>& entries) {
  WINNOW_RETURN_IF_ERROR(
      WriteTarEntries(entries, [this](std::string_view piece) { return Write(piece); }));
  ++samples_;
  return {};
}

Status OpenTar::Write(std::string_view bytes) {
  dirty_ = true;
  bytes_ += bytes.size();
  hasher_.Update(bytes);
  if (buffer_.size() + bytes.size() > kBufferBytes) WINNOW_RETURN_IF_ERROR(Flush());
  if (bytes.size() > kBufferBytes) return file_->Append(bytes);
  buffer_.append(bytes);
  return {};
}

Status OpenTar::Flush() {
  if (buffer_.empty()) return {};
  WINNOW_RETURN_IF_ERROR(file_->Append(buffer_));
  buffer_.clear();
  return {};
}

Status OpenTar::Sync() {
  if (!dirty_) return {};
  WINNOW_RETURN_IF_ERROR(Flush());
  WINNOW_RETURN_IF_ERROR(file_->Sync());
  dirty_ = false;
  return {};
}

Result<std::string> OpenTar::Close() {
  WINNOW_RETURN_IF_ERROR(Write(TarTrailer()));
  WINNOW_RETURN_IF_ERROR(Sync());
  file_.reset();
  return ToHex(hasher_.Finish());
}

}  // namespace winnow::dataset
