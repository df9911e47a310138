#include "libs/kafka/state_digest.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "libs/base/wire.h"
#include "libs/kafka/partition_state.h"

namespace winnow::kafka {
namespace {

std::optional<int> NumberOf(const std::string& name) {
  int number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (error != std::errc() || end != name.data() + name.size()) return std::nullopt;
  return number;
}

Status HashFamily(const PartitionState& state, std::string_view family, Sha256Hasher& hasher,
                  std::uint64_t& entries) {
  return state.store().Scan(family, "", [&](std::string_view key, std::string_view value) {
    ++entries;
    hasher.Update(WireWriter().Text(family).Text(key).Text(value).Take());
    return true;
  });
}

Result<PartitionDigest> DigestPartition(const std::string& directory, int partition) {
  WINNOW_ASSIGN_OR_RETURN(const auto state, PartitionState::OpenToRead(directory));
  PartitionDigest digest = {.partition = partition,
                            .changelog_offset = state->position().changelog,
                            .input_offset = state->position().input};
  Sha256Hasher hasher;
  for (const std::string_view family : {kStateFamily, kOriginFamily}) {
    WINNOW_RETURN_IF_ERROR(HashFamily(*state, family, hasher, digest.entries));
  }
  digest.sha256 = hasher.Finish();
  return digest;
}

}  // namespace

Result<StateDigest> DigestState(const std::string& directory) {
  std::error_code failed;
  std::filesystem::directory_iterator entry(directory, failed);
  if (failed) {
    return ConfigError(fmt::format("cannot read the state directory {}: {}", directory,
                                   failed.message()));
  }
  StateDigest digest;
  for (; entry != std::filesystem::directory_iterator(); entry.increment(failed)) {
    const std::optional<int> partition = NumberOf(entry->path().filename().string());
    if (!partition) continue;
    WINNOW_ASSIGN_OR_RETURN(PartitionDigest one,
                            DigestPartition(entry->path().string(), *partition));
    digest.partitions.push_back(std::move(one));
  }
  std::sort(digest.partitions.begin(), digest.partitions.end(),
            [](const auto& a, const auto& b) { return a.partition < b.partition; });
  return digest;
}

}  // namespace winnow::kafka
