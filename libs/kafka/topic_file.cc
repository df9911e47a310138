// The declaration file: LoadTopics. What the cluster has to do with it: topic_admin.cc.
#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "libs/base/whole_file.h"
#include "libs/kafka/topic_admin.h"
#include "libs/kafka/topics.h"

namespace winnow::kafka {
namespace {

constexpr int kFormatVersion = 1;
// Kafka refuses more in one request anyway, and a slip of the finger should not cost a cluster.
constexpr int kMaxPartitions = 10'000;
constexpr int kMaxReplication = 100;

// Kafka 3.9, "Topic-Level Configs".
constexpr std::array kConfigNames = {
    "cleanup.policy", "compression.type", "delete.retention.ms", "file.delete.delay.ms",
    "flush.messages", "flush.ms", "index.interval.bytes", "local.retention.bytes",
    "local.retention.ms", "max.compaction.lag.ms", "max.message.bytes",
    "message.timestamp.after.max.ms", "message.timestamp.before.max.ms", "message.timestamp.type",
    "min.cleanable.dirty.ratio", "min.compaction.lag.ms", "min.insync.replicas", "preallocate",
    "remote.storage.enable", "retention.bytes", "retention.ms", "segment.bytes",
    "segment.index.bytes", "segment.jitter.ms", "segment.ms", "unclean.leader.election.enable"};

// Stages that keep state, and what they read.
struct StatefulStage {
  std::string_view name;
  Topic input;
};
constexpr std::array kStatefulStages = {StatefulStage{"deduper", Topic::kSafe},
                                        StatefulStage{"balancer", Topic::kUnique}};

// A declaration and where it stands.
struct Entry {
  TopicDeclaration topic;
  int line = 0;
};

class TopicFile {
 public:
  explicit TopicFile(std::string path) : path_(std::move(path)) {}

  Result<std::vector<TopicDeclaration>> Load() {
    // Not read by yaml-cpp: where that fails, as of a folder, its reader throws and leaks.
    const auto text = ReadWholeFile(path_);
    if (!text) {
      return ConfigError(fmt::format("cannot read {}: is it the path of a file?", path_));
    }
    try {
      Read(YAML::Load(*text));
    } catch (const YAML::Exception& error) {
      Complain(error.mark.line + 1, error.msg);
    }
    if (problems_.empty()) CheckPipeline();
    if (!problems_.empty()) return ConfigError(fmt::format("{}", fmt::join(problems_, "\n")));
    std::vector<TopicDeclaration> topics;
    for (const Entry& entry : entries_) topics.push_back(entry.topic);
    return topics;
  }

 private:
  void Complain(int line, std::string_view what) {
    problems_.push_back(fmt::format("{}:{}: {}", path_, line, what));
  }
  void Complain(const YAML::Node& node, std::string_view what) {
    Complain(node.Mark().line + 1, what);
  }

  void Read(const YAML::Node& root);
  void ReadTopics(const YAML::Node& topics, const TopicDeclaration& defaults);
  void ReadSettings(const YAML::Node& settings, TopicDeclaration& topic);
  void ReadSetting(const YAML::Node& name, const YAML::Node& value, TopicDeclaration& topic);
  void ReadNumber(const YAML::Node& value, std::string_view name, int limit, int& number);
  bool ExpectMap(const YAML::Node& node, std::string_view what);
  bool IsNew(const YAML::Node& name, std::set<std::string>& seen);

  void CheckPipeline();
  const Entry* Find(std::string_view name) const;
  void CheckRetention(const Entry& entry);
  void CheckCompacted(const Entry& entry);
  void CheckTimes(const Entry& entry);
  void CheckChangelog(const StatefulStage& stage);

  const std::string path_;
  std::vector<Entry> entries_{};
  std::vector<std::string> problems_{};
};

std::string_view ValueOf(const TopicDeclaration& topic, const std::string& name) {
  const auto found = topic.configs.find(name);
  return found == topic.configs.end() ? std::string_view() : std::string_view(found->second);
}

std::set<std::string, std::less<>> PipelineTopics() {
  std::set<std::string, std::less<>> names;
  for (const Topic topic : kAllTopics) names.insert(TopicName(topic, ""));
  for (const StatefulStage& stage : kStatefulStages) names.insert(ChangelogName(stage.name, ""));
  return names;
}

bool TopicFile::ExpectMap(const YAML::Node& node, std::string_view what) {
  if (node.IsMap()) return true;
  Complain(node, fmt::format("{} must be a map of names and values", what));
  return false;
}

bool TopicFile::IsNew(const YAML::Node& name, std::set<std::string>& seen) {
  if (seen.insert(name.Scalar()).second) return true;
  Complain(name, fmt::format("'{}' stands here twice; remove one", name.Scalar()));
  return false;
}

void TopicFile::Read(const YAML::Node& root) {
  if (!ExpectMap(root, "the file")) return;
  TopicDeclaration defaults;
  std::set<std::string> seen;
  // Defaults first, wherever they stand.
  if (const YAML::Node node = root["defaults"]; node && ExpectMap(node, "defaults")) {
    ReadSettings(node, defaults);
  }
  for (const auto& entry : root) {
    const YAML::Node& name = entry.first;
    const YAML::Node& value = entry.second;
    if (!IsNew(name, seen) || name.Scalar() == "defaults") continue;
    if (name.Scalar() == "winnow_topics") {
      if (value.Scalar() != std::to_string(kFormatVersion)) {
        Complain(value, fmt::format("this winnow reads version {} of the file only",
                                    kFormatVersion));
      }
    } else if (name.Scalar() == "topics") {
      ReadTopics(value, defaults);
    } else {
      Complain(name, fmt::format("unknown key '{}'; there are winnow_topics, defaults and topics",
                                 name.Scalar()));
    }
  }
  if (!seen.contains("winnow_topics")) {
    Complain(1, fmt::format("say which format this is: winnow_topics: {}", kFormatVersion));
  }
}

void TopicFile::ReadTopics(const YAML::Node& topics, const TopicDeclaration& defaults) {
  if (!ExpectMap(topics, "topics")) return;
  const auto known = PipelineTopics();
  std::set<std::string> seen;
  for (const auto& item : topics) {
    const YAML::Node& name = item.first;
    const YAML::Node& settings = item.second;
    if (!IsNew(name, seen)) continue;
    if (!known.contains(name.Scalar())) {
      Complain(name, fmt::format("the pipeline has no topic '{}'; it has {}", name.Scalar(),
                                 fmt::join(known, ", ")));
      continue;
    }
    Entry entry{defaults, name.Mark().line + 1};
    entry.topic.name = name.Scalar();
    if (!settings.IsNull() && ExpectMap(settings, name.Scalar())) {
      ReadSettings(settings, entry.topic);
    }
    entries_.push_back(std::move(entry));
  }
}

void TopicFile::ReadSettings(const YAML::Node& settings, TopicDeclaration& topic) {
  std::set<std::string> seen;
  for (const auto& entry : settings) {
    if (IsNew(entry.first, seen)) ReadSetting(entry.first, entry.second, topic);
  }
}

void TopicFile::ReadSetting(const YAML::Node& name, const YAML::Node& value,
                            TopicDeclaration& topic) {
  const std::string& key = name.Scalar();
  if (key == "partitions") return ReadNumber(value, key, kMaxPartitions, topic.partitions);
  if (key == "replication") return ReadNumber(value, key, kMaxReplication, topic.replication);
  if (std::find(kConfigNames.begin(), kConfigNames.end(), key) == kConfigNames.end()) {
    return Complain(name, fmt::format("unknown setting '{}'; there are partitions, replication and "
                                      "Kafka's topic settings ({})",
                                      key, fmt::join(kConfigNames, ", ")));
  }
  if (!value.IsScalar() || value.Scalar().empty()) {
    return Complain(name, fmt::format("{} needs one value", key));
  }
  topic.configs[key] = value.Scalar();
}

void TopicFile::ReadNumber(const YAML::Node& value, std::string_view name, int limit,
                           int& number) {
  const std::string& text = value.Scalar();
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc() && end == text.data() + text.size() && number >= 1 && number <= limit) {
    return;
  }
  number = 1;
  Complain(value, fmt::format("{} must be a whole number from 1 to {}", name, limit));
}

const Entry* TopicFile::Find(std::string_view name) const {
  const auto found = std::find_if(entries_.begin(), entries_.end(),
                                  [&](const Entry& entry) { return entry.topic.name == name; });
  return found == entries_.end() ? nullptr : &*found;
}

void TopicFile::CheckPipeline() {
  for (const std::string& name : PipelineTopics()) {
    if (Find(name) == nullptr) {
      Complain(1, fmt::format("topic {} is missing; add it under topics", name));
    }
  }
  for (const Topic topic : kAllTopics) {
    const Entry* const entry = Find(TopicName(topic, ""));
    if (entry == nullptr) continue;
    CheckTimes(*entry);
    if (ZoneOf(topic) == record::Zone::kRaw) CheckRetention(*entry);
    if (topic == Topic::kDeferred) CheckCompacted(*entry);
  }
  for (const StatefulStage& stage : kStatefulStages) CheckChangelog(stage);
}

// Raw topics hold pictures of people as they were taken: nobody may keep them without end by
// having said nothing.
void TopicFile::CheckRetention(const Entry& entry) {
  const std::string_view text = ValueOf(entry.topic, "retention.ms");
  std::int64_t retention = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), retention);
  if (error != std::errc() || end != text.data() + text.size() || retention <= 0) {
    Complain(entry.line, fmt::format("{} holds unredacted images: give it a retention.ms above 0",
                                     entry.topic.name));
  }
  if (ValueOf(entry.topic, "cleanup.policy").find("compact") != std::string_view::npos) {
    Complain(entry.line, fmt::format("{} must not be compacted: every message counts",
                                     entry.topic.name));
  }
}

void TopicFile::CheckCompacted(const Entry& entry) {
  if (ValueOf(entry.topic, "cleanup.policy") == "compact") return;
  Complain(entry.line, fmt::format("{} is read as a table: set cleanup.policy: compact",
                                   entry.topic.name));
}

// The time of a message is the time its record is judged at.
void TopicFile::CheckTimes(const Entry& entry) {
  const std::string_view type = ValueOf(entry.topic, "message.timestamp.type");
  if (type.empty() || type == "CreateTime") return;
  Complain(entry.line, fmt::format("{} needs message.timestamp.type: CreateTime: records are "
                                   "judged at the time their message carries",
                                   entry.topic.name));
}

void TopicFile::CheckChangelog(const StatefulStage& stage) {
  const Entry* const changelog = Find(ChangelogName(stage.name, ""));
  const Entry* const input = Find(TopicName(stage.input, ""));
  if (changelog == nullptr || input == nullptr) return;
  CheckCompacted(*changelog);
  if (changelog->topic.partitions == input->topic.partitions) return;
  Complain(changelog->line,
           fmt::format("{} has {} partitions and {}, whose state it holds, {}: make them equal",
                       changelog->topic.name, changelog->topic.partitions, input->topic.name,
                       input->topic.partitions));
}

}  // namespace

Result<std::vector<TopicDeclaration>> LoadTopics(const std::string& path) {
  return TopicFile(path).Load();
}

}  // namespace winnow::kafka
