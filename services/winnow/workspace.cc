#include "services/winnow/workspace.h"

#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <system_error>

namespace winnow::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kMarks = ".winnow";
constexpr int kOwnerFormat = 1;
constexpr std::uint64_t kMaxOwnerBytes = 64u << 10;

// What stands in owner.json.
struct Owner {
  std::string collection;
  std::string spec_digest;
};

std::string Encode(const Owner& owner) {
  const nlohmann::json json = {{"format", kOwnerFormat},
                               {"collection", owner.collection},
                               {"spec_digest", owner.spec_digest}};
  return json.dump(2) + "\n";
}

std::string OwnerPath(const std::string& directory) {
  return dataset::JoinPath(directory, "owner.json");
}

// nullopt: no owner yet.
Result<std::optional<Owner>> ReadOwner(dataset::Files& files, const std::string& directory) {
  const std::string path = OwnerPath(directory);
  WINNOW_ASSIGN_OR_RETURN(const std::optional<std::uint64_t> size, files.Size(path));
  if (!size) return std::optional<Owner>();
  const Error unreadable = ConfigError(
      fmt::format("{} is not a file Winnow wrote; choose another folder or delete this one", path));
  if (*size > kMaxOwnerBytes) return unreadable;
  std::string text;
  WINNOW_RETURN_IF_ERROR(
      files.Read(path, *size, [&](std::string_view piece) { text += piece; }));
  const auto json = nlohmann::json::parse(text, nullptr, false);
  if (!json.is_object() || json.value("format", nlohmann::json()) != kOwnerFormat ||
      !json.contains("collection") || !json["collection"].is_string() ||
      !json.contains("spec_digest") || !json["spec_digest"].is_string()) {
    return unreadable;
  }
  return std::optional<Owner>(Owner{json["collection"], json["spec_digest"]});
}

// Whether `directory` already is this spec's; kConfig if it is anybody else's.
Result<bool> BelongsToUs(dataset::Files& files, const Owner& us, const std::string& directory,
                         const std::string& shown) {
  WINNOW_ASSIGN_OR_RETURN(const std::optional<Owner> owner, ReadOwner(files, directory));
  if (!owner) return false;
  if (owner->collection != us.collection) {
    return ConfigError(
        fmt::format("{} belongs to collection '{}', this spec is '{}'; choose another folder",
                    shown, owner->collection, us.collection));
  }
  if (owner->spec_digest != us.spec_digest) {
    return ConfigError(fmt::format(
        "{} was begun with another version of this spec ({}, now {}); restore that spec to go on, "
        "or choose another folder to begin anew",
        shown, owner->spec_digest.substr(0, 12), us.spec_digest.substr(0, 12)));
  }
  return true;
}

Status CheckNoFile(const std::string& directory) {
  std::error_code error;
  if (fs::exists(directory, error) && !fs::is_directory(directory, error)) {
    return ConfigError(fmt::format("{} is a file; name a folder", directory));
  }
  return {};
}

// kConfig unless the folder can be made or is empty but for `.winnow`, and can be written to.
Status CheckNew(const std::string& directory) {
  std::error_code error;
  fs::path existing = fs::absolute(directory, error);
  if (fs::exists(existing, error)) {
    for (const fs::directory_entry& entry : fs::directory_iterator(existing, error)) {
      if (entry.path().filename() == kMarks) continue;
      return ConfigError(fmt::format(
          "{} holds files that are not of this dataset; name a new or empty folder", directory));
    }
    if (error) {
      return ConfigError(fmt::format("cannot read {}: {}; change its permissions or name another folder",
                                     directory, error.message()));
    }
  }
  while (!fs::exists(existing, error) && existing.has_relative_path()) {
    existing = existing.parent_path();
  }
  if (access(existing.c_str(), W_OK | X_OK) != 0) {
    return ConfigError(fmt::format("cannot write to {}; change its permissions or name another folder",
                                   existing.string()));
  }
  return {};
}

// A folder that cannot be made is the user's to mend before anything starts.
Status AsConfig(Status status) {
  if (!status) return ConfigError(status.error().message);
  return status;
}

Status Claim(dataset::Files& files, const Owner& us, const std::string& directory) {
  WINNOW_RETURN_IF_ERROR(AsConfig(files.MakeDirectories(directory)));
  return AsConfig(dataset::WriteFileAtomically(files, OwnerPath(directory), Encode(us)));
}

}  // namespace

Status CheckState(dataset::Files& files, const spec::CollectionSpec& spec,
                  const std::string& state) {
  WINNOW_ASSIGN_OR_RETURN(
      const bool ours,
      BelongsToUs(files, {spec.collection.value(), spec.digest}, state, state));
  if (ours) return {};
  return ConfigError(fmt::format("{} holds no state of a run; give OUTPUT/.winnow/state", state));
}

std::string DefaultState(const std::string& output) {
  return dataset::JoinPath(dataset::JoinPath(output, kMarks), "state");
}

Result<Workspace> ClaimWorkspace(dataset::Files& files, const spec::CollectionSpec& spec,
                                 const std::string& output, const std::string& state) {
  const Owner us{spec.collection.value(), spec.digest};
  const std::string marks = dataset::JoinPath(output, kMarks);
  WINNOW_RETURN_IF_ERROR(CheckNoFile(output));
  WINNOW_RETURN_IF_ERROR(CheckNoFile(state));
  WINNOW_ASSIGN_OR_RETURN(const bool output_ours, BelongsToUs(files, us, marks, output));
  WINNOW_ASSIGN_OR_RETURN(const bool state_ours, BelongsToUs(files, us, state, state));
  if (output_ours && !state_ours) {
    return ConfigError(fmt::format(
        "{} is a dataset begun earlier but {} holds no state for it; name its --state, or choose "
        "another --output",
        output, state));
  }
  // The state is claimed first: killed between the two claims, it has an owner but no records yet.
  if (!output_ours && state_ours && fs::exists(Workspace{output, state}.Database())) {
    return ConfigError(fmt::format(
        "{} holds the state of a dataset in another folder; name that folder as --output, or "
        "choose another --state",
        state));
  }
  if (!output_ours) {
    WINNOW_RETURN_IF_ERROR(CheckNew(output));
    if (!state_ours) {
      WINNOW_RETURN_IF_ERROR(CheckNew(state));
      WINNOW_RETURN_IF_ERROR(Claim(files, us, state));
    }
    WINNOW_RETURN_IF_ERROR(Claim(files, us, marks));
  }
  return Workspace{output, state};
}

}  // namespace winnow::cli
