// `winnow explain`: why an image is in the dataset, or is not.
#pragma once

#include <string>

#include "libs/base/result.h"
#include "libs/record/image_record.h"

namespace winnow::cli {

struct ExplainOptions {
  std::string image;  // record id, or the image's path within the input folder
  std::string state;  // directory
};

// The record of an image that the state of a run knows by id or path. kConfig if it knows none.
Result<record::ImageRecord> FindRecord(const std::string& image, const std::string& state);

// The text for a person. kConfig if the state holds no such image.
Result<std::string> Explain(const ExplainOptions& options);

// One record's story, stage by stage: verdict, reason, figures against thresholds.
std::string TellStory(const record::ImageRecord& record);

}  // namespace winnow::cli
