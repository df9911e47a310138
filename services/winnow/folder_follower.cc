#include "services/winnow/folder_follower.h"

#include <functional>
#include <string>
#include <utility>

namespace winnow::cli {
namespace {

std::uint64_t HashOf(const std::string& text) { return std::hash<std::string>()(text); }

}  // namespace

FolderFollower::FolderFollower(Open open, IsDone is_done)
    : open_(std::move(open)), is_done_(std::move(is_done)) {}

Result<FolderFollower::Ripeness> FolderFollower::Visit(const stream::SourceEntry& entry,
                                                       Seen& now) const {
  WINNOW_ASSIGN_OR_RETURN(const bool done, is_done_(entry));
  if (done) return Ripeness::kDone;
  const std::uint64_t name = HashOf(entry.name);
  const std::uint64_t version = HashOf(entry.version);
  const auto before = seen_.find(name);
  now[name] = version;
  const bool same = before != seen_.end() && before->second == version;
  return same ? Ripeness::kComplete : Ripeness::kWaiting;
}

FolderFollower::Look FolderFollower::LookAgain(const Take& take,
                                               const std::function<bool()>& enough) {
  Look look;
  auto source = open_();
  if (!source) {
    look.folder = tl::unexpected(source.error());
    return look;
  }
  look.source = std::move(*source);
  Seen now;
  std::uint64_t waiting = 0;
  while (!enough()) {
    const auto entry = look.source->Next();
    if (!entry) {
      look.folder = tl::unexpected(entry.error());
      return look;
    }
    if (!*entry) break;
    const Result<Ripeness> ripeness = Visit(**entry, now);
    if (!ripeness) {
      look.taking = tl::unexpected(ripeness.error());
      return look;
    }
    if (*ripeness == Ripeness::kWaiting) ++waiting;
    if (*ripeness == Ripeness::kComplete) look.taking = take(*look.source, **entry);
    if (!look.taking) return look;
  }
  seen_ = std::move(now);
  waiting_ = waiting;
  return look;
}

}  // namespace winnow::cli
