// The durable end of a pipeline, kept in step with its state by redo.
#pragma once

#include <string_view>
#include <vector>

#include "libs/base/result.h"
#include "libs/record/image_record.h"
#include "libs/stream/processor.h"

namespace winnow::stream {

// The state family whose view Recover wants and whose entries Prepare returns.
inline constexpr std::string_view kOutputFamily = "output";

// Protocol, per commit: (Append | Remove)* -> Prepare -> (runner commits the returned writes together
// with all state) -> Publish. At the end of the input Seal, a commit, and then TakeOut and a commit
// for as long as there is something to take out. After a crash at any point: Recover, then the same
// calls again give the same bytes. One thread.
class Output {
 public:
  virtual ~Output() = default;

  // Before the first Append: cuts staged bytes back to the last commit and redoes publications
  // that the state promises.
  virtual Status Recover(const StateView& state) = 0;

  // Takes a stored record into staging; fills record.placement.
  virtual Status Append(record::ImageRecord& record) = 0;

  // Asks for a record to be taken out again that was appended, in this run or an earlier one;
  // `record.placement` as Append left it. Until TakeOut has done so it can still be seen.
  virtual Status Remove(const record::ImageRecord& record) = 0;

  // Closes what is open, at the end of the input. Takes effect with the next Prepare.
  virtual Status Seal() = 0;

  // Takes out a bounded part of what Remove asked for; false if nothing was left to do. Everything
  // closed must have been published. Takes effect with the next Prepare and Publish.
  virtual Result<bool> TakeOut() = 0;

  // Makes appended bytes durable and returns the state entries that describe them.
  virtual Result<std::vector<StateWrite>> Prepare() = 0;

  // Makes closed parts visible under their final names, all or nothing each, also in place of what
  // they were before something was taken out. Idempotent.
  virtual Status Publish() = 0;
};

}  // namespace winnow::stream
