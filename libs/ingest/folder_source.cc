#include "libs/ingest/folder_source.h"

#include <sys/stat.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "libs/image/decode.h"
#include "libs/ingest/file_bytes.h"
#include "libs/ingest/folder_labels.h"
#include "libs/ingest/folder_walk.h"
#include "libs/ingest/image_header.h"
#include "libs/ingest/image_name.h"
#include "libs/base/utf8.h"

namespace winnow::ingest {
namespace {

// What the codec can carry with room for the rest of the record.
constexpr std::uint64_t kMaxBytes = 1ull << 30;

// One line of well-formed text: names of files may hold anything.
std::string OneLine(std::string_view text) {
  std::string line = ToUtf8(text);
  for (char& c : line) {
    if ((c >= 0 && c < ' ') || c == '\x7F') c = '?';
  }
  return line;
}

struct Version {
  std::string text;
  std::uint64_t bytes = 0;
};

Version VersionOf(const std::string& absolute) {
  struct stat status {};
  // A dangling link is listed too; its own size and time stand for it.
  if (stat(absolute.c_str(), &status) != 0 && lstat(absolute.c_str(), &status) != 0) return {};
  const auto bytes = static_cast<std::uint64_t>(status.st_size);
  const std::int64_t nanoseconds =
      std::int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec;
  return {std::to_string(bytes) + "-" + std::to_string(nanoseconds), bytes};
}

class Folder final : public FolderSource {
 public:
  Folder(FolderOptions options, RootDirectory root)
      : options_(std::move(options)),
        root_(std::move(root)),
        walk_(root_),
        labels_(root_, options_.classes) {
    options_.max_bytes = std::min(options_.max_bytes, kMaxBytes);
  }

  // Counts, and finds the labels that stand for many images.
  Status Survey() {
    WINNOW_RETURN_IF_ERROR(labels_.OpenClassList());
    WINNOW_RETURN_IF_ERROR(EachFound([&](const Found& found) { return Note(found); }));
    labels_.coco().Finish();
    summary_.coco_files = labels_.coco().files();
    summary_.orphan_annotations = labels_.coco().orphans();
    if (!labels_.coco().needs_names()) return {};
    return EachFound([&](const Found& found) -> Status {
      if (found.kind == FoundKind::kImage) labels_.coco().NoteImage(found.path);
      return {};
    });
  }

  Result<std::optional<stream::SourceEntry>> Next() override {
    for (;;) {
      WINNOW_ASSIGN_OR_RETURN(auto found, walk_.Next());
      if (!found) return std::optional<stream::SourceEntry>();
      if (found->kind != FoundKind::kImage) continue;
      Version version = VersionOf(root_.Absolute(found->path));
      stream::SourceEntry entry;
      entry.name = std::move(found->path);
      entry.version = std::move(version.text);
      entry.bytes = version.bytes;
      entry.order_key = OrderKeyOf(entry.name);
      return std::optional(std::move(entry));
    }
  }

  std::optional<std::uint64_t> Count() const override { return summary_.images; }
  const FolderSummary& summary() const override { return summary_; }

  Result<record::ImageRecord> Load(const stream::SourceEntry& entry) const override {
    record::ImageRecord record;
    record.collection = options_.collection;
    record.source = {options_.id, record::SourceKind::kFolder, "", entry.name, ""};
    if (auto bytes = Read(entry.name, record)) {
      const Sha256Digest sha256 = Sha256(*bytes);
      record.id = record::DeriveRecordId(options_.id, entry.name, sha256);
      AddLabels(*bytes, record);
      record.payload = record::RawPayload{{SharedBytes(*std::move(bytes)), "", sha256}};
    } else {
      // No bytes to derive from: the same unread file is the same record.
      record.id = record::DeriveRecordId(options_.id, entry.name,
                                         Sha256("unread " + std::to_string(entry.bytes)));
    }
    if (options_.labels == FolderLabels::kParentDirectory) TagWithDirectory(record);
    return record;
  }

 private:
  template <class Visit>
  Status EachFound(Visit visit) const {
    FolderWalk walk(root_);
    for (;;) {
      auto found = walk.Next();
      if (!found) return ConfigError(found.error().message);
      if (!*found) return {};
      WINNOW_RETURN_IF_ERROR(visit(**found));
    }
  }

  Status Note(const Found& found) {
    switch (found.kind) {
      case FoundKind::kImage: ++summary_.images; return {};
      case FoundKind::kLinkedDirectory: ++summary_.linked_directories; return {};
      case FoundKind::kOtherFile: break;
    }
    const bool text = KindOfName(found.path) == NameKind::kNever;
    ++(text ? summary_.text_files : summary_.ignored_files);
    if (!text || !MayBeCoco(root_, found.path)) return {};
    return labels_.coco().Add(root_, found.path);
  }

  static void Fault(record::Reason reason, std::string_view detail, record::ImageRecord& record) {
    record.source_fault = reason;
    record.source_fault_detail = OneLine(detail);
  }

  // Frames of one camera go through the stages in order; nothing else has an order.
  std::string OrderKeyOf(const std::string& path) const {
    const std::optional<Origin> origin = labels_.OriginOf(path);
    const bool camera = origin && origin->kind == record::SourceKind::kCamera;
    return camera ? origin->id.value() : std::string();
  }

  // The file's bytes, or a fault in `record`.
  std::optional<std::string> Read(const std::string& path, record::ImageRecord& record) const {
    const auto file = root_.OpenInside(path);
    if (!file) {
      Fault(record::Reason::kUnreadable, file.error().message, record);
      return std::nullopt;
    }
    if (file->size > options_.max_bytes) {
      Fault(record::Reason::kTooManyBytes,
            std::to_string(file->size) + " bytes are above the limit of " +
                std::to_string(options_.max_bytes),
            record);
      return std::nullopt;
    }
    auto bytes = ReadAll(*file, options_.max_bytes);
    if (!bytes) {
      Fault(record::Reason::kUnreadable, path + ": " + bytes.error().message, record);
      return std::nullopt;
    }
    if (bytes->empty()) {
      Fault(record::Reason::kEmptyFile, "0 bytes", record);
      return std::nullopt;
    }
    return *std::move(bytes);
  }

  void AddLabels(const std::string& bytes, record::ImageRecord& record) const {
    const ImageHeader header = ReadImageHeader(bytes);
    record.captured_at = header.captured_at;
    auto labels = labels_.Load(record.source.path, header);
    if (!labels) {
      // Where the picture itself is none, the validator's verdict on it says more.
      const bool picture = image::SniffFormat(bytes) != record::ImageFormat::kUnknown;
      if (!header.has_size() && !picture) return;
      Fault(record::Reason::kAnnotationUnreadable, labels.error().message, record);
      return;
    }
    record.annotations = std::move(labels->annotations);
    record.attributes = std::move(labels->attributes);
    record.source.site = std::move(labels->site);
    if (labels->origin) {
      record.source.id = std::move(labels->origin->id);
      record.source.kind = labels->origin->kind;
    }
    record.consent = std::move(labels->consent);
    if (labels->captured_at) record.captured_at = labels->captured_at;
  }

  static void TagWithDirectory(record::ImageRecord& record) {
    const std::string_view directory = Directory(record.source.path);
    if (directory.empty()) return;
    record::Annotation tag;
    tag.label = ToUtf8(Basename(directory));
    record.annotations.insert(record.annotations.begin(), std::move(tag));
  }

  FolderOptions options_;
  RootDirectory root_;
  FolderWalk walk_;
  FolderLabelFiles labels_;
  FolderSummary summary_;
};

}  // namespace

Result<std::unique_ptr<FolderSource>> OpenFolder(FolderOptions options) {
  WINNOW_ASSIGN_OR_RETURN(RootDirectory root, RootDirectory::Open(options.root));
  auto folder = std::make_unique<Folder>(std::move(options), std::move(root));
  WINNOW_RETURN_IF_ERROR(folder->Survey());
  return std::unique_ptr<FolderSource>(std::move(folder));
}

}  // namespace winnow::ingest
