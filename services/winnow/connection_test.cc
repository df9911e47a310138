#include "services/winnow/connection.h"

#include <gtest/gtest.h>

#include <fstream>

#include "services/winnow/topics_command.h"

namespace winnow::cli {
namespace {

ErrorCode CodeOf(const std::string& property) {
  const auto client = ClientOf({"broker:1", "", {property}});
  EXPECT_FALSE(client) << property;
  return client ? ErrorCode::kBug : client.error().code;
}

TEST(ConnectionTest, PassesPropertiesOn) {
  const auto client = ClientOf({"broker:1", "", {"a=b", "equal=x=y", "empty="}});
  ASSERT_TRUE(client) << client.error().message;
  EXPECT_EQ(client->brokers, "broker:1");
  EXPECT_EQ(client->properties.at("a"), "b");
  EXPECT_EQ(client->properties.at("equal"), "x=y");
  EXPECT_EQ(client->properties.at("empty"), "");
}

TEST(ConnectionTest, ReadsSecretsFromFiles) {
  const std::string path = testing::TempDir() + "connection_test.secret";
  std::ofstream(path) << "hush\n";
  const auto client = ClientOf({"broker:1", "", {"sasl.password=@" + path}});
  ASSERT_TRUE(client) << client.error().message;
  EXPECT_EQ(client->properties.at("sasl.password"), "hush");
}

TEST(ConnectionTest, RefusesWhatIsNoProperty) {
  for (const char* property : {"", "name", "=value", "a=@/nowhere/at/all", "a=@/tmp"}) {
    EXPECT_EQ(CodeOf(property), ErrorCode::kConfig);
  }
}

TEST(OverrideTest, NeverAsksForMoreReplicasInSyncThanThereAre) {
  const std::vector<kafka::TopicDeclaration> topics = {
      {"images.raw", 12, 3, {{"min.insync.replicas", "2"}}}, {"images.dead", 1, 3, {}}};
  const auto as_declared = Override(topics, 0, 0);
  EXPECT_EQ(as_declared[0].configs.at("min.insync.replicas"), "2");
  EXPECT_EQ(as_declared[0].partitions, 12);
  const auto single = Override(topics, 1, 5);
  EXPECT_EQ(single[0].configs.at("min.insync.replicas"), "1");
  EXPECT_EQ(single[0].replication, 1);
  EXPECT_EQ(single[1].partitions, 5);
  EXPECT_TRUE(single[1].configs.empty());
}

}  // namespace
}  // namespace winnow::cli
