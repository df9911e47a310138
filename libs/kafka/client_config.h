// How to reach the brokers.
#pragma once

#include <map>
#include <string>

namespace winnow::kafka {

struct ClientConfig {
  std::string brokers;  // "host:port,host:port"
  // Names and values of librdkafka (CONFIGURATION.md of 2.0.2), passed on as they are: TLS, SASL,
  // timeouts. Properties that delivery rests on (isolation.level, enable.auto.commit,
  // transactional.id ...) are refused: kConfig.
  std::map<std::string, std::string> properties;
};

}  // namespace winnow::kafka
