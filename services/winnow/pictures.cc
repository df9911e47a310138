#include "services/winnow/pictures.h"

#include <algorithm>
#include <atomic>
#include <thread>

#include "libs/image/decode.h"
#include "libs/image/thumbnail.h"
#include "libs/state/state_store.h"

namespace winnow::cli {
namespace {

using record::ImageRecord;

// Faces are looked for at the size the picture is shown at, or nearly: a face too small to be found
// there is too small to be recognised. Searching the examples of a 248-picture run at full size took
// 75 s on two cores, a third of the run.
constexpr std::uint32_t kSearchedSide = 480;  // pixels
constexpr std::uint32_t kShownSide = 320;
constexpr int kSearchedQuality = 90;
constexpr int kShownQuality = 80;

// "" if it cannot be decoded.
std::string Shrink(std::string_view bytes, std::uint32_t side, int quality) {
  const image::Decoded decoded = image::Decode(bytes, {});
  if (!decoded.frame) return "";
  const image::Pixels upright =
      image::Upright(decoded.frame->pixels, decoded.frame->orientation);
  return image::JpegThumbnail(upright, side, quality).value_or("");
}

// The record with a small copy of its picture; nullopt if the source no longer gives the same image.
std::optional<ImageRecord> ReloadSmall(const ImageRecord& record, const stream::Source& source) {
  stream::SourceEntry entry;
  entry.name = record.source.path;
  const Result<ImageRecord> loaded = source.Load(entry);
  if (!loaded || loaded->id != record.id) return std::nullopt;
  const record::PayloadContent* const content = record::ContentOf(loaded->payload);
  if (content == nullptr) return std::nullopt;
  record::PayloadContent small;
  small.bytes =
      SharedBytes(Shrink(content->bytes.view(), kSearchedSide, kSearchedQuality));
  small.media_type = "image/jpeg";
  ImageRecord copy = record;
  copy.payload = record::RawPayload{std::move(small)};
  copy.annotations.clear();
  return copy;
}

std::string Picture(const ImageRecord& record, const stream::Source& source,
                    stream::Processor& blurrer, const stream::StateView& state) {
  if (!record.measurements) return "";
  std::optional<ImageRecord> small = ReloadSmall(record, source);
  if (!small) return "";
  const Result<stream::Outcome> outcome = blurrer.Process(std::move(*small), state, {});
  if (!outcome) return "";
  const auto* const safe = std::get_if<record::SafePayload>(&outcome->record.payload);
  if (safe == nullptr) return "";
  return Shrink(safe->content().bytes.view(), kShownSide, kShownQuality);
}

}  // namespace

Result<std::vector<std::string>> RedactedThumbnails(
    const std::vector<const ImageRecord*>& records, const stream::Source& source,
    const stream::ProcessorFactory& make_blurrer, std::size_t threads) {
  // The blurrer keeps no state for pictures without a before and after.
  const auto store = state::NewMemoryStore();
  const auto state = state::ViewOf(*store, "pictures");
  std::vector<std::unique_ptr<stream::Processor>> blurrers;
  for (std::size_t i = 0; i < std::min(std::max<std::size_t>(threads, 1), records.size()); ++i) {
    WINNOW_ASSIGN_OR_RETURN(auto blurrer, make_blurrer());
    WINNOW_RETURN_IF_ERROR(blurrer->Open(*state));
    blurrers.push_back(std::move(blurrer));
  }
  std::vector<std::string> pictures(records.size());
  std::atomic<std::size_t> next = 0;
  std::vector<std::thread> workers;
  workers.reserve(blurrers.size());
  for (const auto& blurrer : blurrers) {
    workers.emplace_back([&, worker = blurrer.get()] {
      for (std::size_t i = next++; i < records.size(); i = next++) {
        pictures[i] = Picture(*records[i], source, *worker, *state);
      }
    });
  }
  for (std::thread& worker : workers) worker.join();
  return pictures;
}

}  // namespace winnow::cli
