#include "libs/dataset/rejected.h"

#include <fmt/format.h>

#include "libs/dataset/sample_json.h"

namespace winnow::dataset {
namespace {

constexpr std::size_t kBufferBytes = 256u << 10;

std::string TemporaryPath(const std::string& path) { return path + ".tmp"; }

}  // namespace

RejectedWriter::RejectedWriter(Files& files, std::string path, std::unique_ptr<AppendFile> file)
    : files_(&files), path_(std::move(path)), file_(std::move(file)) {}

Result<RejectedWriter> RejectedWriter::Create(const std::string& directory, Files& files) {
  const std::string path = JoinPath(directory, kRejectedName);
  WINNOW_RETURN_IF_ERROR(files.MakeDirectories(directory));
  WINNOW_RETURN_IF_ERROR(files.Remove(TemporaryPath(path)));
  WINNOW_ASSIGN_OR_RETURN(auto file, files.OpenAppend(TemporaryPath(path)));
  return RejectedWriter(files, path, std::move(file));
}

Status RejectedWriter::Add(const record::ImageRecord& record) {
  const bool refused =
      !record.history.empty() &&
      (record.history.back().disposition == record::Disposition::kRejected ||
       record.history.back().disposition == record::Disposition::kReview);
  if (!refused) {
    return BugError(fmt::format("record {} was to be listed as rejected, but its last verdict is "
                                "something else",
                                record.id.value()));
  }
  buffer_ += RejectedJson(record);
  buffer_ += '\n';
  ++lines_;
  if (buffer_.size() < kBufferBytes) return {};
  WINNOW_RETURN_IF_ERROR(file_->Append(buffer_));
  buffer_.clear();
  return {};
}

Status RejectedWriter::Finish() {
  WINNOW_RETURN_IF_ERROR(file_->Append(buffer_));
  WINNOW_RETURN_IF_ERROR(file_->Sync());
  file_.reset();
  WINNOW_RETURN_IF_ERROR(files_->Replace(TemporaryPath(path_), path_));
  return files_->SyncDirectory(path_.substr(0, path_.rfind('/')));
}

}  // namespace winnow::dataset
