// Every stage of the pipeline through its public factory, and streams to try it with: what the real
// stages before it hand over for one small set of generated pictures.
#pragma once

#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "libs/detect/detector.h"
#include "libs/spec/spec.h"
#include "libs/stream/processor.h"
#include "libs/testing/stage_driver.h"

namespace winnow::compliance {

enum class Stage { kValidator, kBlurrer, kDeduper, kBalancer, kSink };

inline constexpr Stage kAllStages[] = {Stage::kValidator, Stage::kBlurrer, Stage::kDeduper,
                                       Stage::kBalancer, Stage::kSink};

std::string_view Name(Stage stage);  // as Processor::name
void PrintTo(Stage stage, std::ostream* out);

// Balanced, with a small reserve, so that every disposition occurs.
spec::CollectionSpec Spec();

// Sees no face.
std::unique_ptr<stream::Processor> Make(Stage stage, const spec::CollectionSpec& spec);
// A blurrer whose detector sees a face on every picture, redacted or not.
std::unique_ptr<stream::Processor> MakeDistrustfulBlurrer(const spec::CollectionSpec& spec);

testing::StageDriver Driver(Stage stage);

// What reaches `stage`, in order: good pictures, exact and near copies, damaged and dark ones, as
// far as the stages before let them through. Attachments as left by those stages.
std::vector<record::ImageRecord> Arrivals(Stage stage);

}  // namespace winnow::compliance
