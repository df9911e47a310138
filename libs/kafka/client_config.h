// How to reach the brokers.
#pragma once

#include <map>
#include <string>

#include "libs/base/result.h"

namespace winnow::kafka {

struct ClientConfig {
  std::string brokers;  // "host:port,host:port"
  // Names and values of librdkafka (CONFIGURATION.md of 2.0.2), passed on as they are: TLS, SASL,
  // timeouts. Properties that delivery rests on (isolation.level, enable.auto.commit,
  // transactional.id ...) are refused: kConfig.
  std::map<std::string, std::string> properties;
};

// kConfig, naming the property but no secret, unless a client can be made with these: a property that
// librdkafka does not know or that delivery rests on, no brokers. Asks nobody.
Status CheckProperties(const ClientConfig& config);

}  // namespace winnow::kafka
