#include "libs/record/superseded.h"

#include <string>

#include "libs/record/quality_rank.h"

namespace winnow::record {

StageVerdict SupersededVerdict(std::string_view stage, const ImageRecord& replaced,
                               const ImageRecord& by) {
  const std::uint32_t rank = QualityRank(replaced);
  const std::uint32_t later_rank = QualityRank(by);
  StageVerdict verdict;
  verdict.stage = stage;
  verdict.disposition = Disposition::kRejected;
  verdict.reason = Reason::kSuperseded;
  verdict.detail = "superseded by " + by.id.value() + " (" + by.source.path + "), of rank " +
                   std::to_string(later_rank) + ", this one's is " + std::to_string(rank);
  verdict.scores = {{"rank", rank}, {"later_rank", later_rank}};
  if (by.history.empty()) return verdict;
  verdict.spec_digest = by.history.back().spec_digest;
  verdict.time = by.history.back().time;
  return verdict;
}

}  // namespace winnow::record
