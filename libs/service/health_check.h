// What --health asks: the process's own /healthz, as a container's health check does.
#pragma once

#include <chrono>
#include <string>

#include "libs/base/result.h"
#include "libs/service/config.h"

namespace winnow::service {

// Where to ask a process that listens on `address`: an address that means "all of this machine's"
// is asked over loopback.
std::string AskedAddress(const std::string& address);

// kUnavailable with the reason if nobody answers in time or the answer is not 200: its body then
// stands in the message. kConfig for port 0, which names no port that could be asked.
Status CheckHealth(const HttpConfig& http,
                   std::chrono::milliseconds timeout = std::chrono::seconds(3));

}  // namespace winnow::service
