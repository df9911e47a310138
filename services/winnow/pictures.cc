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

constexpr std::uint32_t kSide = 320;  // pixels
constexpr int kQuality = 80;

std::string Shrink(const record::PayloadContent& safe) {
  const image::Decoded decoded = image::Decode(safe.bytes.view(), {});
  if (!decoded.frame) return "";
  const image::Pixels upright =
      image::Upright(decoded.frame->pixels, decoded.frame->orientation);
  return image::JpegThumbnail(upright, kSide, kQuality).value_or("");
}

// The record with its payload again; nullopt if the source no longer gives the same image.
std::optional<ImageRecord> Reload(const ImageRecord& record, const stream::Source& source) {
  stream::SourceEntry entry;
  entry.name = record.source.path;
  Result<ImageRecord> loaded = source.Load(entry);
  if (!loaded || loaded->id != record.id) return std::nullopt;
  ImageRecord whole = record;
  whole.payload = std::move(loaded->payload);
  whole.history.clear();
  return whole;
}

std::string Picture(const ImageRecord& record, const stream::Source& source,
                    stream::Processor& blurrer, const stream::StateView& state) {
  if (!record.measurements) return "";
  std::optional<ImageRecord> whole = Reload(record, source);
  if (!whole) return "";
  const Result<stream::Outcome> outcome = blurrer.Process(std::move(*whole), state, {});
  if (!outcome) return "";
  const auto* const safe = std::get_if<record::SafePayload>(&outcome->record.payload);
  return safe == nullptr ? "" : Shrink(safe->content());
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
