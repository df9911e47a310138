#include "libs/service/config_keys.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>

#include "libs/base/check.h"
#include "libs/spec/scalar.h"
#include "libs/spec/yaml_tree.h"

namespace winnow::service {
namespace {

template <auto... kMembers>
Value At(ServiceConfig& config) {
  return &(config.*....*kMembers);
}

constexpr auto kCommit = &ServiceConfig::commit;
constexpr auto kKafka = &ServiceConfig::kafka;
constexpr auto kBlobs = &ServiceConfig::blobs;
constexpr auto kHttp = &ServiceConfig::http;
constexpr auto kDeduper = &ServiceConfig::deduper;
constexpr auto kSink = &ServiceConfig::sink;
constexpr double kGiB = 1024.0 * 1024.0 * 1024.0;
constexpr double kHour = 3'600'000;  // ms
constexpr std::string_view kOtherSources = "other";  // a label of the validator's probe

// clang-format off
constexpr auto kKeys = std::to_array<Key>({
  {"spec", At<&ServiceConfig::spec>, Unit::kPath, 0, 0, UsedBy::kAll,
   "required: the collection spec, the same for all services of a pipeline"},
  {"instance", At<&ServiceConfig::instance>, Unit::kName, 0, 0, UsedBy::kAll,
   "required: stable name of this process slot (deduper-0); two processes of one name fence each other"},
  {"models", At<&ServiceConfig::models>, Unit::kPath, 0, 0, UsedBy::kBlurrer,
   "folder of detector models; empty: $WINNOW_MODEL_DIR, else share/winnow/models beside bin"},
  {"lanes", At<&ServiceConfig::lanes>, Unit::kNumber, 0, 1024, UsedBy::kStages,
   "records worked on at once; 0: one for each core"},
  {"max_bytes_in_flight", At<&ServiceConfig::max_bytes_in_flight>, Unit::kBytes, 1 << 20, 64 * kGiB,
   UsedBy::kStages, "messages read and not yet committed; beyond, partitions are paused"},
  {"drain_seconds", At<&ServiceConfig::drain>, Unit::kSeconds, 0.1, 3600, UsedBy::kAll,
   "after SIGTERM, what is in flight is committed within this time or given up"},
  {"fenced_linger_seconds", At<&ServiceConfig::fenced_linger>, Unit::kSeconds, 0, 3600,
   UsedBy::kAll, "fenced by a process of its name, it says so on its port for so long before it ends"},
  {"sources", At<&ServiceConfig::sources>, Unit::kSecondsMap, 1, 31 * 86'400, UsedBy::kValidator,
   "sources by id that are watched, and how long each may be silent: \"gate-1: 30s\""},

  {"commit.records", At<kCommit, &kafka::CommitLimits::records>, Unit::kNumber, 1, 1e6,
   UsedBy::kStages, "a commit is due after so many records"},
  {"commit.bytes", At<kCommit, &kafka::CommitLimits::bytes>, Unit::kBytes, 1 << 10, 4 * kGiB,
   UsedBy::kStages, "or so many bytes read and written to state"},
  {"commit.interval_ms", At<kCommit, &kafka::CommitLimits::interval>, Unit::kMilliseconds, 1,
   60'000, UsedBy::kStages, "or so long after the first of them"},

  {"kafka.brokers", At<kKafka, &KafkaConfig::brokers>, Unit::kText, 0, 0, UsedBy::kAll,
   "required: host:port, more of them with commas"},
  {"kafka.topic_prefix", At<kKafka, &KafkaConfig::topic_prefix>, Unit::kName, 0, 0, UsedBy::kAll,
   "before the name of every topic and group: several pipelines can share a cluster"},
  {"kafka.session_timeout_ms", At<kKafka, &KafkaConfig::session_timeout>, Unit::kMilliseconds,
   1000, kHour, UsedBy::kAll, "a process not heard of for so long loses its partitions"},
  {"kafka.transaction_timeout_ms", At<kKafka, &KafkaConfig::transaction_timeout>,
   Unit::kMilliseconds, 1000, 900'000, UsedBy::kStages,
   "the broker gives up a transaction after this; brokers allow 15 minutes"},
  {"kafka.properties", At<kKafka, &KafkaConfig::properties>, Unit::kTextMap, 0, 0, UsedBy::kAll,
   "properties of librdkafka, passed on as they are: security.protocol, ssl.*, sasl.*"},
  {"kafka.property_files", At<kKafka, &KafkaConfig::property_files>, Unit::kTextMap, 0, 0,
   UsedBy::kAll, "the same, with the value in a file: a secret mounted as sasl.password: /run/..."},

  {"state.directory", At<&ServiceConfig::state_directory>, Unit::kPath, 0, 0, UsedBy::kStateful,
   "required: folder for the state; losing it costs a restore, not data"},

  {"blobs.raw", At<kBlobs, &BlobConfig::raw>, Unit::kPath, 0, 0, UsedBy::kStages,
   "folder for large payloads of the raw zone, shared by validator and privacy-blurrer"},
  {"blobs.safe", At<kBlobs, &BlobConfig::safe>, Unit::kPath, 0, 0, UsedBy::kAll,
   "folder for large payloads of the safe zone, shared by privacy-blurrer to sink"},
  {"blobs.inline_max_bytes", At<kBlobs, &BlobConfig::inline_max_bytes>, Unit::kBytes, 0, kGiB,
   UsedBy::kStages, "larger payloads go by reference; must fit the topics' max.message.bytes"},

  {"http.address", At<kHttp, &HttpConfig::address>, Unit::kText, 0, 0, UsedBy::kAll,
   "numeric address for /metrics, /healthz and /readyz"},
  {"http.port", At<kHttp, &HttpConfig::port>, Unit::kNumber, 0, 65535, UsedBy::kAll,
   "its port; 0: any free one, which the log names"},
  {"http.stuck_after_seconds", At<kHttp, &HttpConfig::stuck_after>, Unit::kSeconds, 1, 86'400,
   UsedBy::kAll, "/healthz fails after so long without a sign of life while there is work"},

  {"deduper.index_memory", At<kDeduper, &DeduperConfig::index_memory>, Unit::kBytes, 0, 1024 * kGiB,
   UsedBy::kDeduper, "memory of the index, about 140 bytes an image; the rest of it is in files; 0: all"},

  {"sink.directory", At<kSink, &SinkConfig::directory>, Unit::kPath, 0, 0, UsedBy::kSink,
   "required: folder of the dataset, one for all instances"},
  {"sink.seal_when_idle_seconds", At<kSink, &SinkConfig::seal_when_idle>, Unit::kSeconds, 0,
   86'400, UsedBy::kSink, "parts left open so long without a new record are published; 0: never"},
});
// clang-format on

Error Wrong(std::string message) { return ConfigError(std::move(message)); }

bool IsName(std::string_view text) {
  return text.size() <= 200 && std::all_of(text.begin(), text.end(), [](unsigned char c) {
           return std::isalnum(c) != 0 || c == '.' || c == '_' || c == '-';
         });
}

Status SetText(const Key& key, std::string& target, const std::string& text) {
  if (key.unit == Unit::kName && !IsName(text)) {
    return Wrong(spec::Quoted(text) + " may hold only a-z A-Z 0-9 . _ -, 200 of them at most");
  }
  if (std::any_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x20; })) {
    return Wrong(spec::Quoted(text) + " holds a control character: remove it");
  }
  target = text;
  return {};
}

template <class T>
Result<double> AsDouble(const spec::Parsed<T>& parsed, const std::string& text) {
  if (!parsed) return Wrong(spec::Quoted(text) + " " + parsed.error());
  return static_cast<double>(*parsed);
}

bool InSeconds(Unit unit) { return unit == Unit::kSeconds || unit == Unit::kSecondsMap; }

std::chrono::milliseconds Milliseconds(Unit unit, double number) {
  return std::chrono::milliseconds(std::llround(InSeconds(unit) ? number * 1000 : number));
}

Result<double> ParseAs(Unit unit, const std::string& text) {
  if (unit == Unit::kBytes) return AsDouble(spec::ParseBytes(text), text);
  if (InSeconds(unit)) return AsDouble(spec::ParseSeconds(text), text);
  return AsDouble(spec::ParseWhole(text), text);
}

std::string FormatNumber(Unit unit, double number) {
  if (unit == Unit::kBytes) return spec::FormatBytes(static_cast<std::uint64_t>(number));
  if (InSeconds(unit)) return spec::FormatSeconds(number);
  return fmt::format("{:.0f}", number);
}

Result<double> ParseInRange(const Key& key, const std::string& text) {
  WINNOW_ASSIGN_OR_RETURN(const double number, ParseAs(key.unit, text));
  if (number >= key.least && number <= key.most) return number;
  return Wrong(fmt::format("{} is out of range: write {} to {}", spec::Quoted(text),
                           FormatNumber(key.unit, key.least), FormatNumber(key.unit, key.most)));
}

}  // namespace

std::string Key::variable() const {
  std::string name = "WINNOW_";
  for (const char c : path) {
    if (c == '.') {
      name += "__";
    } else {
      name += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    }
  }
  return name;
}

std::span<const Key> ConfigKeys() { return kKeys; }

Status SetValue(const Key& key, ServiceConfig& config, const std::string& text) {
  const Value value = key.of(config);
  if (auto* const target = std::get_if<std::string*>(&value)) return SetText(key, **target, text);
  WINNOW_CHECK(!key.is_map());
  WINNOW_ASSIGN_OR_RETURN(const double number, ParseInRange(key, text));
  if (auto* const target = std::get_if<std::uint64_t*>(&value)) {
    **target = static_cast<std::uint64_t>(number);
  } else if (auto* const duration = std::get_if<std::chrono::milliseconds*>(&value)) {
    **duration = Milliseconds(key.unit, number);
  }
  return {};
}

Status SetEntry(const Key& key, ServiceConfig& config, const std::string& name,
                const std::string& text) {
  const Value value = key.of(config);
  if (auto* const texts = std::get_if<std::map<std::string, std::string>*>(&value)) {
    (**texts)[name] = text;
    return {};
  }
  auto* const durations = std::get_if<std::map<std::string, std::chrono::milliseconds>*>(&value);
  WINNOW_CHECK(durations != nullptr);
  if (name.empty() || name == kOtherSources) {
    return Wrong(spec::Quoted(name) + " stands for all sources that are not named: leave it out");
  }
  WINNOW_ASSIGN_OR_RETURN(const double number, ParseInRange(key, text));
  (**durations)[name] = Milliseconds(key.unit, number);
  return {};
}

std::string FormatValue(const Key& key, ServiceConfig& config) {
  const Value value = key.of(config);
  if (auto* const text = std::get_if<std::string*>(&value)) return "\"" + **text + "\"";
  if (auto* const number = std::get_if<std::uint64_t*>(&value)) {
    return FormatNumber(key.unit, static_cast<double>(**number));
  }
  if (auto* const duration = std::get_if<std::chrono::milliseconds*>(&value)) {
    const auto ms = static_cast<double>((*duration)->count());
    return FormatNumber(key.unit, key.unit == Unit::kSeconds ? ms / 1000 : ms);
  }
  return "{}";
}

std::string_view NameOf(Unit unit) {
  switch (unit) {
    case Unit::kText:
    case Unit::kName:
    case Unit::kPath: return "";
    case Unit::kNumber: return "whole number";
    case Unit::kBytes: return "bytes";
    case Unit::kMilliseconds: return "milliseconds";
    case Unit::kSeconds: return "seconds";
    case Unit::kTextMap: return "name: value";
    case Unit::kSecondsMap: return "name: seconds";
  }
  return "";
}

std::string_view NameOf(UsedBy used_by) {
  switch (used_by) {
    case UsedBy::kAll: return "all services";
    case UsedBy::kStages: return "all services but the sink";
    case UsedBy::kStateful: return "deduper, balancer";
    case UsedBy::kValidator: return "validator";
    case UsedBy::kBlurrer: return "privacy-blurrer";
    case UsedBy::kDeduper: return "deduper";
    case UsedBy::kSink: return "sink";
  }
  return "";
}

}  // namespace winnow::service
