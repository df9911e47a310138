// What no value can be judged for alone: values that contradict each other or name things that do
// not exist.
#pragma once

#include "libs/spec/reader.h"

namespace winnow::spec {

// Adds to reading.problems. Rows in reading.faulty are left out, so that one mistake is reported
// once.
void CheckMeaning(Reading& reading);

}  // namespace winnow::spec
