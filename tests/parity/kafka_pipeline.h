// Drives the real stages as services on a real broker, in one process: a thread runs what a service
// would. The counterpart of PipelineDriver.
#pragma once

#include <atomic>
#include <chrono>
#include <future>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "libs/base/ids.h"
#include "libs/base/result.h"
#include "libs/blob/blob_store.h"
#include "libs/dataset/stream_shards.h"
#include "libs/kafka/client_config.h"
#include "libs/kafka/topics.h"
#include "libs/record/reason.h"
#include "libs/spec/spec.h"
#include "services/winnow/audit_scan.h"
#include "tests/pipeline/pipeline_driver.h"

namespace winnow::parity_test {

// What became of a record.
struct Fate {
  record::Disposition disposition = record::Disposition::kForwarded;
  record::Reason reason = record::Reason::kNone;
  friend bool operator==(const Fate&, const Fate&) = default;
};
using Fates = std::map<RecordId, Fate>;

class KafkaPipeline {
 public:
  // Creates the topics, under a name of their own.
  static Result<std::unique_ptr<KafkaPipeline>> Create(const spec::CollectionSpec& spec,
                                                       const std::string& brokers,
                                                       int partitions);
  ~KafkaPipeline();

  // Puts every image of the folder into images.raw, in the source's order. `source` is the id of
  // the source; the spec's if empty.
  Status Feed(const std::string& folder, const SourceId& source = {});
  void Start();
  // Until every arrival has an outcome and nothing that was replaced is in a shard. kUnavailable
  // after `timeout`.
  Status WaitForOutcomes(std::chrono::seconds timeout);
  // Ends the services; the first error of any of them.
  Status Stop();

  // By record id, of what is there now. What is superseded the parts say.
  Result<Fates> ReadFates() const;
  // Partitions of the topic that hold messages.
  Result<std::set<int>> PartitionsInUse(kafka::Topic topic) const;
  std::map<std::string, std::string> StoredImages() const {
    return pipeline_test::ImagesInShards(output_.path());
  }
  Result<std::vector<dataset::Part>> Parts() const;
  std::string DatasetDirectory() const { return output_.path(); }
  Result<cli::AuditScan> Audit() const;

 private:
  explicit KafkaPipeline(spec::CollectionSpec spec, std::string brokers);

  const spec::CollectionSpec spec_;
  const kafka::ClientConfig client_;
  const std::string prefix_;
  pipeline_test::ScratchFolder state_;
  pipeline_test::ScratchFolder output_;
  pipeline_test::ScratchFolder blobs_;
  std::unique_ptr<blob::BlobStore> raw_blobs_;
  std::unique_ptr<blob::BlobStore> safe_blobs_;
  std::size_t fed_ = 0;
  std::atomic<bool> stop_ = false;
  std::vector<std::future<Status>> services_;
};

}  // namespace winnow::parity_test
