#include "services/winnow/acl.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "libs/kafka/log_reader.h"
#include "services/winnow/acl_command.h"

namespace winnow::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

std::set<std::string> TopicsWith(const std::string& service, AclOperation operation,
                                 const std::string& prefix = "") {
  std::set<std::string> names;
  for (const AclUser& user : AclUsers(prefix, {})) {
    if (user.service != service) continue;
    for (const AclRight& right : user.rights) {
      const auto& operations = right.operations;
      if (right.resource == AclResource::kTopic &&
          std::find(operations.begin(), operations.end(), operation) != operations.end()) {
        names.insert(right.name);
      }
    }
  }
  return names;
}

using Names = std::set<std::string>;

TEST(AclTest, StagesReadTheirInputAndTheirOwnChangelog) {
  EXPECT_EQ(TopicsWith("validator", AclOperation::kRead), Names{"images.raw"});
  EXPECT_EQ(TopicsWith("privacy-blurrer", AclOperation::kRead), Names{"images.valid"});
  EXPECT_EQ(TopicsWith("deduper", AclOperation::kRead),
            (Names{"images.safe", "deduper.changelog"}));
  EXPECT_EQ(TopicsWith("balancer", AclOperation::kRead),
            (Names{"images.unique", "balancer.changelog"}));
  EXPECT_EQ(TopicsWith("sink", AclOperation::kRead), Names{"images.selected"});
}

TEST(AclTest, StagesWriteOnlyWhatTheyEmit) {
  EXPECT_EQ(TopicsWith("validator", AclOperation::kWrite),
            (Names{"images.valid", "images.rejected", "images.dead"}));
  EXPECT_EQ(TopicsWith("balancer", AclOperation::kWrite),
            (Names{"images.selected", "images.rejected", "images.deferred", "images.dead",
                   "balancer.changelog"}));
  EXPECT_EQ(TopicsWith("sink", AclOperation::kWrite), Names{"images.dead"});
  EXPECT_EQ(TopicsWith("ingest", AclOperation::kWrite), Names{"images.raw"});
}

TEST(AclTest, NobodyOfTheSafeZoneReadsARawTopic) {
  for (const AclUser& user : AclUsers("", {})) {
    if (user.zone == record::Zone::kRaw) continue;
    for (const std::string& name : TopicsWith(user.service, AclOperation::kRead)) {
      EXPECT_THAT((Names{"images.raw", "images.valid", "images.review", "images.dead"}),
                  Not(testing::Contains(name)))
          << user.service;
    }
  }
}

TEST(AclTest, NamesCarryThePrefix) {
  for (const AclUser& user : AclUsers("lab.", {})) {
    for (const AclRight& right : user.rights) {
      if (right.name == kafka::kLogReaderGroup) continue;
      EXPECT_THAT(right.name, testing::StartsWith("lab.")) << user.service;
    }
  }
}

TEST(AclTest, WhoMakesTopicsMayMakeTheDeclaredOnes) {
  for (const AclUser& user : AclUsers("lab.", {"images.raw", "extra"})) {
    if (user.service != "topics") continue;
    ASSERT_EQ(user.rights.size(), 2u);
    EXPECT_EQ(user.rights[1].name, "lab.extra");
  }
}

Result<std::string> Text(AclCommandOptions options) {
  return AclText(AclUsers(options.prefix, {}), options);
}

TEST(AclTest, CommandsAreForAShell) {
  const auto text = Text({.principal = "User:CN={service},O=It's us"});
  ASSERT_TRUE(text);
  EXPECT_THAT(*text, HasSubstr("--add --allow-principal 'User:CN=deduper,O=It'\\''s us' "
                               "--operation Read --topic 'images.safe'\n"));
  EXPECT_THAT(*text, HasSubstr("--operation Write --transactional-id 'winnow-deduper/' "
                               "--resource-pattern-type prefixed\n"));
}

TEST(AclTest, StrimziGetsOneUserAService) {
  const auto text = Text({.cluster = "prod", .format = AclFormat::kStrimzi});
  ASSERT_TRUE(text);
  EXPECT_THAT(*text, HasSubstr("  name: winnow-privacy-blurrer\n"
                               "  labels:\n    strimzi.io/cluster: prod\n"));
  EXPECT_THAT(*text, HasSubstr("          type: transactionalId\n"
                               "          name: winnow-validator/\n"
                               "          patternType: prefix\n"
                               "        operations: [Write]\n"));
}

TEST(AclTest, JsonIsVersioned) {
  const auto text = Text({.prefix = "lab.", .format = AclFormat::kJson});
  ASSERT_TRUE(text);
  const auto json = nlohmann::json::parse(*text);
  EXPECT_EQ(json["version"], 1);
  EXPECT_EQ(json["users"][1]["principal"], "User:winnow-validator");
  EXPECT_EQ(json["users"][1]["zone"], "raw");
  EXPECT_EQ(json["users"][1]["rights"][0]["name"], "lab.images.raw");
}

TEST(AclTest, RefusesWhatWouldMixTheZonesOrNameNobody) {
  EXPECT_THAT(Text({.principal = "User:winnow"}).error().message, HasSubstr("{service}"));
  EXPECT_THAT(Text({.format = AclFormat::kStrimzi}).error().message, HasSubstr("--cluster"));
  EXPECT_THAT(Text({.principal = "User:CN={service}", .cluster = "c",
                    .format = AclFormat::kStrimzi}).error().message,
              HasSubstr("KafkaUser"));
}

}  // namespace
}  // namespace winnow::cli
