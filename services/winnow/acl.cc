#include "services/winnow/acl.h"

#include <algorithm>
#include <utility>

#include "libs/kafka/log_reader.h"
#include "libs/kafka/stage_flow.h"

namespace winnow::cli {
namespace {

using kafka::StageFlow;
using kafka::Topic;
using Operations = std::vector<AclOperation>;
using enum AclOperation;

class Rights {
 public:
  explicit Rights(std::string prefix) : prefix_(std::move(prefix)) {}

  Rights& On(Topic topic, Operations operations) {
    return OnTopic(kafka::TopicName(topic, prefix_), std::move(operations));
  }
  Rights& OnTopic(std::string name, Operations operations) {
    rights_.push_back({AclResource::kTopic, std::move(name), AclPattern::kLiteral,
                       std::move(operations)});
    return *this;
  }
  Rights& OnGroup(const std::string& stage, Operations operations) {
    rights_.push_back({AclResource::kGroup, kafka::GroupName(stage, prefix_),
                       AclPattern::kLiteral, std::move(operations)});
    return *this;
  }
  // Of tools, which read from outside any group. It has no prefix, nothing is kept under it.
  Rights& ToReadOutsideGroups() {
    rights_.push_back({AclResource::kGroup, kafka::kLogReaderGroup, AclPattern::kLiteral,
                       {kDescribe}});
    return *this;
  }
  // Every instance of the stage has one, named after the group and itself.
  Rights& OnTransactionsOf(const std::string& stage) {
    rights_.push_back({AclResource::kTransactionalId, kafka::GroupName(stage, prefix_) + "/",
                       AclPattern::kPrefixed, {kWrite}});
    return *this;
  }
  std::vector<AclRight> Take() { return std::move(rights_); }

 private:
  const std::string prefix_;
  std::vector<AclRight> rights_{};
};

// DescribeConfigs: max.message.bytes of what it writes decides what is a dead letter.
AclUser UserOf(const StageFlow& flow, const std::string& prefix) {
  Rights rights(prefix);
  rights.On(flow.input, {kRead});
  if (flow.output) rights.On(*flow.output, {kWrite, kDescribeConfigs});
  for (const Topic topic : flow.beside) rights.On(topic, {kWrite, kDescribeConfigs});
  if (flow.stateful) {
    rights.OnTopic(kafka::ChangelogName(flow.stage, prefix), {kRead, kWrite, kDescribeConfigs});
  }
  rights.OnGroup(flow.stage, {kRead});
  // The sink's outputs are files: it commits offsets without a transaction.
  if (flow.output) rights.OnTransactionsOf(flow.stage);
  return {flow.stage, "winnow-" + flow.stage, kafka::ZoneOf(flow.input), rights.Take()};
}

AclUser Ingest(const std::string& prefix) {
  return {"ingest", "winnow ingest, or whatever else feeds the pipeline", record::Zone::kRaw,
          Rights(prefix).On(Topic::kRaw, {kWrite}).Take()};
}

std::vector<std::string> PipelineTopics() {
  std::vector<std::string> names;
  for (const Topic topic : kafka::kAllTopics) names.push_back(kafka::TopicName(topic, ""));
  for (const StageFlow& flow : kafka::StageFlows()) {
    if (flow.stateful) names.push_back(kafka::ChangelogName(flow.stage, ""));
  }
  return names;
}

AclUser Topics(const std::string& prefix, const std::vector<std::string>& declared) {
  Rights rights(prefix);
  for (const std::string& name : declared.empty() ? PipelineTopics() : declared) {
    rights.OnTopic(prefix + name, {kCreate, kDescribe, kDescribeConfigs});
  }
  return {"topics", "winnow topics apply and check", record::Zone::kSafe, rights.Take()};
}

// Lag is counted in messages where they may be read, which is not where faces can be seen.
AclUser Status(const std::string& prefix) {
  Rights rights(prefix);
  for (const Topic topic : kafka::kAllTopics) {
    const auto& flows = kafka::StageFlows();
    const bool counted = topic == Topic::kDeferred ||
                         std::any_of(flows.begin(), flows.end(), [&](const StageFlow& flow) {
                           return flow.input == topic;
                         });
    const bool read = counted && kafka::ZoneOf(topic) == record::Zone::kSafe;
    rights.On(topic, {read ? kRead : kDescribe});
  }
  for (const StageFlow& flow : kafka::StageFlows()) rights.OnGroup(flow.stage, {kDescribe});
  return {"status", "winnow status", record::Zone::kSafe, rights.ToReadOutsideGroups().Take()};
}

AclUser Audit(const std::string& prefix) {
  Rights rights(prefix);
  for (const Topic topic : kafka::kAllTopics) rights.On(topic, {kRead});
  for (const StageFlow& flow : kafka::StageFlows()) {
    if (flow.stateful) rights.OnTopic(kafka::ChangelogName(flow.stage, prefix), {kDescribe});
  }
  for (const StageFlow& flow : kafka::StageFlows()) {
    // What the sink has done stands in the dataset.
    if (flow.output) rights.OnGroup(flow.stage, {kDescribe});
  }
  return {"audit", "winnow audit", record::Zone::kRaw, rights.ToReadOutsideGroups().Take()};
}

AclUser Replay(const std::string& prefix) {
  Rights rights(prefix);
  rights.On(Topic::kDead, {kRead}).On(Topic::kRejected, {kRead});
  for (const StageFlow& flow : kafka::StageFlows()) rights.On(flow.input, {kRead, kWrite});
  return {"replay", "winnow replay", record::Zone::kRaw, rights.ToReadOutsideGroups().Take()};
}

AclUser Forget(const std::string& prefix) {
  return {"forget", "winnow forget", record::Zone::kSafe,
          Rights(prefix).On(Topic::kSafe, {kWrite}).ToReadOutsideGroups().Take()};
}

}  // namespace

std::vector<AclUser> AclUsers(const std::string& prefix,
                              const std::vector<std::string>& declared) {
  std::vector<AclUser> users = {Ingest(prefix)};
  for (const StageFlow& flow : kafka::StageFlows()) users.push_back(UserOf(flow, prefix));
  users.push_back(Topics(prefix, declared));
  users.push_back(Status(prefix));
  users.push_back(Audit(prefix));
  users.push_back(Replay(prefix));
  users.push_back(Forget(prefix));
  return users;
}

}  // namespace winnow::cli
