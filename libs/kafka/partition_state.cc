#include "libs/kafka/partition_state.h"

#include <fmt/format.h>

#include <filesystem>
#include <utility>

#include "libs/base/wire.h"

namespace winnow::kafka {
namespace {

constexpr std::string_view kIdentityKey = "identity";
constexpr std::string_view kPositionKey = "position";
constexpr std::uint32_t kFormat = 1;
constexpr std::uint64_t kNoInput = ~std::uint64_t{0};

std::string Text(const StateIdentity& identity) {
  return fmt::format("format {}, stage {}, cluster {}, input {}/{}, changelog {}/{}", kFormat,
                     identity.stage, identity.cluster, identity.input_topic, identity.partition,
                     identity.changelog, identity.partition);
}

std::string Encode(const StatePosition& position) {
  return WireWriter()
      .U64(static_cast<std::uint64_t>(position.changelog))
      .U64(position.input ? static_cast<std::uint64_t>(*position.input) : kNoInput)
      .U64(static_cast<std::uint64_t>(position.written.time_since_epoch().count()))
      .Take();
}

state::FamilyWrite Meta(std::string_view key, std::string value) {
  return {std::string(kMetaFamily), {std::string(key), std::move(value)}};
}

state::RocksDbOptions StoreOptions(const std::string& directory, state::OpenMode mode) {
  return {.directory = directory,
          .families = {std::string(kStateFamily), std::string(kOriginFamily),
                       std::string(kMetaFamily)},
          .mode = mode};
}

}  // namespace

Result<std::unique_ptr<PartitionState>> PartitionState::Open(
    const std::string& directory, const StateIdentity& identity,
    std::shared_ptr<const state::RocksDbMemory> memory) {
  std::error_code failed;
  std::filesystem::create_directories(directory, failed);
  if (failed) {
    return ConfigError(fmt::format("cannot make the state directory {}: {}", directory,
                                   failed.message()));
  }
  state::RocksDbOptions options = StoreOptions(directory, state::OpenMode::kReadWrite);
  options.memory = std::move(memory);
  WINNOW_ASSIGN_OR_RETURN(auto store, state::OpenRocksDb(options));
  std::unique_ptr<PartitionState> opened(new PartitionState(std::move(store)));
  WINNOW_RETURN_IF_ERROR(opened->CheckIdentity(directory, identity));
  WINNOW_RETURN_IF_ERROR(opened->ReadPosition(directory));
  return opened;
}

Result<std::unique_ptr<PartitionState>> PartitionState::OpenToRead(const std::string& directory) {
  WINNOW_ASSIGN_OR_RETURN(
      auto store, state::OpenRocksDb(StoreOptions(directory, state::OpenMode::kReadOnly)));
  std::unique_ptr<PartitionState> opened(new PartitionState(std::move(store)));
  WINNOW_RETURN_IF_ERROR(opened->ReadPosition(directory));
  return opened;
}

Status PartitionState::CheckIdentity(const std::string& directory, const StateIdentity& identity) {
  WINNOW_ASSIGN_OR_RETURN(const auto found, store_->Get(kMetaFamily, kIdentityKey));
  if (!found) return store_->Commit({Meta(kIdentityKey, Text(identity))});
  if (*found == Text(identity)) return {};
  return CorruptStateError(fmt::format(
      "the state in {} is of another place ({}), not of ({}); set another state directory, or "
      "delete this one: it is rebuilt from the changelog",
      directory, *found, Text(identity)));
}

Status PartitionState::ReadPosition(const std::string& directory) {
  WINNOW_ASSIGN_OR_RETURN(const auto found, store_->Get(kMetaFamily, kPositionKey));
  if (!found) return {};
  WireReader reader(*found);
  position_.changelog = static_cast<std::int64_t>(reader.U64());
  const std::uint64_t input = reader.U64();
  if (input != kNoInput) position_.input = static_cast<std::int64_t>(input);
  position_.written = Timestamp(std::chrono::milliseconds(static_cast<std::int64_t>(reader.U64())));
  if (reader.Done()) return {};
  return CorruptStateError(fmt::format(
      "the position in {} cannot be read; delete the directory: it is rebuilt from the changelog",
      directory));
}

stream::StateFigures PartitionState::Figures() const {
  static const std::vector<std::string> entries = {std::string(kStateFamily),
                                                   std::string(kOriginFamily)};
  return store_->Figures(entries);
}

Status PartitionState::Commit(state::WriteBatch batch, const StatePosition& position) {
  batch.push_back(Meta(kPositionKey, Encode(position)));
  WINNOW_RETURN_IF_ERROR(store_->Commit(batch));
  position_ = position;
  return {};
}

std::optional<state::FamilyWrite> FromChangelog(std::string_view key,
                                                std::optional<std::string_view> value,
                                                StatePosition& position) {
  if (key.empty()) return std::nullopt;
  if (key.front() == kInputEntry && value) {
    position.input = static_cast<std::int64_t>(WireReader(*value).U64());
    return std::nullopt;
  }
  const bool is_state = key.front() == kStateEntry;
  if (!is_state && key.front() != kOriginEntry) return std::nullopt;
  state::FamilyWrite write;
  write.family = is_state ? kStateFamily : kOriginFamily;
  write.write.key = key.substr(1);
  if (value) write.write.value = std::string(*value);
  return write;
}

std::string PartitionDirectory(const std::string& state_directory, int partition) {
  return fmt::format("{}/{}", state_directory, partition);
}

}  // namespace winnow::kafka
