// A sink as the tests run it, in a thread or as a process.
#pragma once

#include <string>

#include "libs/dataset/files.h"
#include "libs/kafka/sink_runner.h"

namespace winnow::integration {

// Reads images.selected; parts of at most 4 images. `options.safe_blobs` stays null.
kafka::SinkOptions SinkOptionsOf(const std::string& brokers, const std::string& prefix,
                                 const std::string& instance);
stream::ProcessorFactory SinkProcessors();
// Into `directory`. `files` must outlive what is made.
stream::PartitionOutputFactory SinkOutputs(const std::string& prefix, const std::string& directory,
                                           dataset::Files& files);

}  // namespace winnow::integration
