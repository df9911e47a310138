#include "libs/service/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "libs/service/config_keys.h"

namespace winnow::service {
namespace {

using testing::HasSubstr;
using testing::Not;

class ConfigTest : public testing::Test {
 protected:
  ConfigTest() {
    std::string name = (std::filesystem::temp_directory_path() / "winnow-config-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
  }
  ~ConfigTest() override { std::filesystem::remove_all(folder_); }

  std::string Write(const std::string& name, const std::string& text) const {
    const std::string path = (folder_ / name).string();
    std::ofstream(path) << text;
    return path;
  }

  Result<ServiceConfig> Load(const std::string& yaml, const Environment& environment = {}) const {
    return LoadConfig(Write("service.yaml", yaml), environment);
  }

  std::string ErrorOf(const std::string& yaml, const Environment& environment = {}) const {
    const auto config = Load(yaml, environment);
    EXPECT_FALSE(config) << yaml;
    if (config) return "";
    EXPECT_EQ(config.error().code, ErrorCode::kConfig);
    return config.error().message;
  }

  std::filesystem::path folder_;
};

TEST_F(ConfigTest, TakesItsDefaultsFromTheRunners) {
  const ServiceConfig config = Load("").value();
  const kafka::StageOptions stage;
  const kafka::SinkOptions sink;
  EXPECT_EQ(config.max_bytes_in_flight, stage.max_bytes_in_flight);
  EXPECT_EQ(config.commit.records, stage.commit.records);
  EXPECT_EQ(config.commit.bytes, stage.commit.bytes);
  EXPECT_EQ(config.commit.interval, stage.commit.interval);
  EXPECT_EQ(config.blobs.inline_max_bytes, stage.inline_max_bytes);
  EXPECT_EQ(config.kafka.session_timeout, stage.session_timeout);
  EXPECT_EQ(config.kafka.transaction_timeout, stage.transaction_timeout);
  EXPECT_EQ(config.drain, stage.drain_timeout);
  EXPECT_EQ(config.sink.seal_when_idle, sink.seal_when_idle);
}

TEST_F(ConfigTest, ReadsWhatItDescribes) {
  const std::string text = DescribeConfig();
  EXPECT_TRUE(Load(text)) << text << Load(text).error().message;
  for (const Key& key : ConfigKeys()) {
    const std::string name(key.path.substr(key.path.rfind('.') + 1));
    EXPECT_THAT(text, HasSubstr("\n" + std::string(key.path == name ? "" : "  ") + name + ": "));
  }
}

TEST_F(ConfigTest, ReadsEveryKindOfValue) {
  const ServiceConfig config = Load(R"(
spec: /etc/spec.yaml
instance: deduper-0
lanes: 3
max_bytes_in_flight: 64MiB
drain_seconds: 1.5
fenced_linger_seconds: 0
commit: {records: 7, bytes: 2 MB, interval_ms: 1_000}
kafka:
  brokers: "a:1,b:2"
  properties: {security.protocol: SSL, ssl.endpoint.identification.algorithm: none, socket.timeout.ms: 9}
deduper: {index_memory: 0}
sink: {seal_when_idle_seconds: 10min}
)").value();
  EXPECT_EQ(config.spec, "/etc/spec.yaml");
  EXPECT_EQ(config.lanes, 3u);
  EXPECT_EQ(config.max_bytes_in_flight, 64u << 20);
  EXPECT_EQ(config.drain, std::chrono::milliseconds(1500));
  EXPECT_EQ(config.fenced_linger.count(), 0);
  EXPECT_EQ(config.commit.records, 7u);
  EXPECT_EQ(config.commit.bytes, 2'000'000u);
  EXPECT_EQ(config.commit.interval, std::chrono::milliseconds(1000));
  EXPECT_EQ(config.kafka.brokers, "a:1,b:2");
  EXPECT_EQ(config.kafka.properties.at("security.protocol"), "SSL");
  EXPECT_EQ(config.kafka.properties.at("socket.timeout.ms"), "9");
  EXPECT_EQ(config.deduper.index_memory, 0u);
  EXPECT_EQ(config.sink.seal_when_idle, std::chrono::minutes(10));
}

TEST_F(ConfigTest, NamesEveryMistakeWithItsPlaceAndRemedy) {
  const std::string path = (folder_ / "service.yaml").string();
  const std::string error = ErrorOf("instanc: a\n"
                                    "lanes: 5000\n"
                                    "kafka:\n"
                                    "  topc_prefix: a\n"
                                    "  topic_prefix: \"a b\"\n"
                                    "  session_timeout_ms: 5s\n"
                                    "commit: 5\n"
                                    "drain_seconds: [1]\n"
                                    "lanes: 1\n");
  EXPECT_THAT(error, HasSubstr(path + ":1:1: unknown key \"instanc\": did you mean \"instance\"?"));
  EXPECT_THAT(error, HasSubstr(path + ":2:8: lanes \"5000\" is out of range"));
  EXPECT_THAT(error, HasSubstr(path + ":4:3: unknown key \"kafka.topc_prefix\": did you mean "
                                      "\"kafka.topic_prefix\"?"));
  EXPECT_THAT(error, HasSubstr(path + ":5:17: kafka.topic_prefix"));
  EXPECT_THAT(error, HasSubstr(path + ":6:23: kafka.session_timeout_ms"));
  EXPECT_THAT(error, HasSubstr(path + ":7:9: "));
  EXPECT_THAT(error, HasSubstr(path + ":8:16: drain_seconds"));
  EXPECT_THAT(error, HasSubstr(path + ":9:1: \"lanes\" is set twice"));
}

TEST_F(ConfigTest, RefusesWhatIsNoConfiguration) {
  for (const char* yaml : {"just text", "- a\n- b\n", "a: [", "kafka: &x {}\nblobs: *x\n", "\x01",
                           "kafka: {properties: 5}", "kafka: {properties: {sasl: {password: x}}}",
                           "kafka: {brokers: }", "http: {port: 65536}", "http: {port: -1}",
                           "spec: \"a\\nb\""}) {
    EXPECT_FALSE(Load(yaml)) << yaml;
  }
  EXPECT_FALSE(LoadConfig((folder_ / "nowhere.yaml").string(), {}));
  EXPECT_FALSE(LoadConfig(folder_.string(), {})) << "a folder";
}

TEST_F(ConfigTest, LetsTheEnvironmentHaveTheLastWord) {
  const ServiceConfig config =
      Load("instance: from-file\nkafka: {brokers: \"file:1\", properties: {sasl.username: file}}\n",
           {{"WINNOW_KAFKA__BROKERS", "environment:1"},
            {"WINNOW_LANES", "5"},
            {"WINNOW_COMMIT__INTERVAL_MS", "50"},
            {"WINNOW_KAFKA__PROPERTIES__SASL_USERNAME", "environment"},
            {"WINNOW_KAFKA__PROPERTIES__SASL.MECHANISM", "PLAIN"}}).value();
  EXPECT_EQ(config.instance, "from-file");
  EXPECT_EQ(config.kafka.brokers, "environment:1");
  EXPECT_EQ(config.lanes, 5u);
  EXPECT_EQ(config.commit.interval, std::chrono::milliseconds(50));
  EXPECT_EQ(config.kafka.properties.at("sasl.username"), "environment");
  EXPECT_EQ(config.kafka.properties.at("sasl.mechanism"), "PLAIN");
}

TEST_F(ConfigTest, ChecksTheEnvironmentAsItChecksTheFile) {
  const std::string error = ErrorOf("", {{"WINNOW_KAFKA__BROKRS", "x"},
                                         {"WINNOW_LANES", "many"},
                                         {"WINNOW_ZZZ__QQQ", "1"}});
  EXPECT_THAT(error, HasSubstr("WINNOW_KAFKA__BROKRS: names no setting: did you mean "
                               "WINNOW_KAFKA__BROKERS?"));
  EXPECT_THAT(error, HasSubstr("WINNOW_LANES: \"many\" is not a whole number"));
  EXPECT_THAT(error, HasSubstr("WINNOW_ZZZ__QQQ: "));
}

TEST_F(ConfigTest, LeavesVariablesOfOthersAlone) {
  EXPECT_TRUE(Load("", {{"WINNOW_SINK_SERVICE_HOST", "10.0.0.1"},
                        {"WINNOW_SINK_PORT_9464_TCP", "tcp://10.0.0.1:9464"},
                        {"WINNOW_KAFKA_BROKERS", "localhost:9092"},
                        {"WINNOW_MODEL_DIR", "/models"}}));
}

TEST_F(ConfigTest, ReadsTheSourcesThatAreWatched) {
  const ServiceConfig config = Load("sources:\n  gate-1: 30s\n  \"site/7: north\": 2h\n  feed: 5\n",
                                    {{"WINNOW_SOURCES__feed", "500min"},
                                     {"WINNOW_SOURCES__GATE_2", "90"}}).value();
  const std::map<std::string, std::chrono::milliseconds> expected = {
      {"gate-1", std::chrono::seconds(30)},
      {"site/7: north", std::chrono::hours(2)},
      {"feed", std::chrono::minutes(500)},
      {"GATE_2", std::chrono::seconds(90)}};
  EXPECT_EQ(config.sources, expected);
}

TEST_F(ConfigTest, NamesASourceWithAWrongLimit) {
  const std::string path = (folder_ / "service.yaml").string();
  const std::string error = ErrorOf("sources:\n  gate-1: soon\n  gate-2: 10ms\n  gate-3: [1]\n"
                                    "  other: 10s\n  gate-1: 10s\n",
                                    {{"WINNOW_SOURCES__gate-4", "0"}});
  EXPECT_THAT(error, HasSubstr(path + ":2:11: \"gate-1\" of sources: \"soon\" is not a duration"));
  EXPECT_THAT(error, HasSubstr(path + ":3:11: \"gate-2\" of sources: \"10ms\" is out of range: "
                                      "write 1s to 2678400s"));
  EXPECT_THAT(error, HasSubstr(path + ":4:11: \"gate-3\" of sources has no single value"));
  EXPECT_THAT(error, HasSubstr(path + ":5:10: \"other\" of sources: \"other\" stands for all"));
  EXPECT_THAT(error, HasSubstr(path + ":6:3: \"gate-1\" of sources is set twice"));
  EXPECT_THAT(error, HasSubstr("WINNOW_SOURCES__gate-4: \"0\" is out of range"));
  EXPECT_THAT(ErrorOf("sources: [a]\n"), HasSubstr(path + ":1:10: sources must hold"));
}

TEST_F(ConfigTest, ReadsSecretsFromFiles) {
  const std::string secret = Write("secret", "hunter2\n");
  const ServiceConfig config =
      Load("kafka: {property_files: {ssl.key.password: " + secret + "}}\n",
           {{"WINNOW_KAFKA__PROPERTIES__SASL_PASSWORD_FILE", secret},
            {"WINNOW_KAFKA__BROKERS_FILE", Write("brokers", "mounted:1\n")}}).value();
  EXPECT_EQ(config.kafka.properties.at("sasl.password"), "hunter2");
  EXPECT_EQ(config.kafka.properties.at("ssl.key.password"), "hunter2");
  EXPECT_EQ(config.kafka.properties.size(), 2u);
  EXPECT_EQ(config.kafka.brokers, "mounted:1");
}

TEST_F(ConfigTest, RefusesSecretFilesThatHoldNone) {
  const std::string empty = Write("empty", "\n");
  const std::string large = Write("large", std::string(100'000, 'x'));
  const std::string missing = (folder_ / "missing").string();
  for (const std::string& path : {empty, large, missing, folder_.string()}) {
    EXPECT_THAT(ErrorOf("", {{"WINNOW_KAFKA__PROPERTIES__SASL_PASSWORD_FILE", path}}),
                HasSubstr("WINNOW_KAFKA__PROPERTIES__SASL_PASSWORD_FILE: " + path));
    EXPECT_THAT(ErrorOf("kafka: {property_files: {sasl.password: " + path + "}}"),
                HasSubstr("sasl.password: " + path));
  }
}

TEST_F(ConfigTest, LetsAPropertyComeFromOnePlaceOnly) {
  const std::string secret = Write("secret", "hunter2");
  const std::string file_and_text =
      "kafka: {properties: {sasl.password: hunter3}, property_files: {sasl.password: " + secret +
      "}}";
  const std::string error = ErrorOf(file_and_text);
  EXPECT_THAT(error, HasSubstr("sasl.password"));
  EXPECT_THAT(error, Not(HasSubstr("hunter")));
  const auto config =
      Load(file_and_text, {{"WINNOW_KAFKA__PROPERTIES__SASL_PASSWORD", "hunter4"}});
  EXPECT_EQ(config.value().kafka.properties.at("sasl.password"), "hunter4");
}

TEST_F(ConfigTest, ShowsNoSecretInAMessage) {
  const std::string error =
      ErrorOf("kafka:\n  properties:\n    sasl.password: hunter2\n    sasl.password: hunter3\n"
              "    ssl: {key: {password: hunter4}}\n");
  EXPECT_THAT(error, Not(HasSubstr("hunter")));
}

TEST_F(ConfigTest, AsksForWhatAServiceCannotDoWithout) {
  ServiceConfig config;
  const std::string all = CheckComplete(config, {true, true, true}).error().message;
  for (const char* name : {"WINNOW_SPEC", "WINNOW_INSTANCE", "WINNOW_KAFKA__BROKERS",
                           "WINNOW_STATE__DIRECTORY", "WINNOW_BLOBS__SAFE",
                           "WINNOW_SINK__DIRECTORY"}) {
    EXPECT_THAT(all, HasSubstr(name));
  }
  config.spec = "s";
  config.instance = "i";
  config.kafka.brokers = "b";
  EXPECT_TRUE(CheckComplete(config, {}));
  EXPECT_FALSE(CheckComplete(config, {true, false, false}));
}

TEST_F(ConfigTest, RefusesSettingsThatContradictEachOther) {
  ServiceConfig config;
  config.spec = config.instance = config.kafka.brokers = "x";
  config.commit.interval = config.kafka.transaction_timeout;
  EXPECT_THAT(CheckComplete(config, {}).error().message, HasSubstr("commit.interval_ms"));
  config.commit.interval = std::chrono::milliseconds(100);
  config.blobs.raw = config.blobs.safe = "/blobs";
  EXPECT_THAT(CheckComplete(config, {}).error().message, HasSubstr("blobs.raw"));
}

TEST_F(ConfigTest, ReadsTheExamples) {
  for (const char* name : {"validator", "privacy-blurrer", "deduper", "balancer", "sink"}) {
    const auto config = LoadConfig(std::string(WINNOW_EXAMPLES) + "/" + name + ".yaml", {});
    ASSERT_TRUE(config) << config.error().message;
    EXPECT_EQ(config->instance, std::string(name) + "-0");
  }
}

}  // namespace
}  // namespace winnow::service
