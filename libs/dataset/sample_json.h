// What is known about one image, as JSON: beside each image in a shard, and per line in
// rejected.jsonl. Fields: README.md.
#pragma once

#include <string>

#include "libs/record/image_record.h"

namespace winnow::dataset {

// The KEY.json of a stored sample: one line, keys sorted, valid UTF-8 whatever the file names were
// (bad bytes become U+FFFD), no time of the run in it: equal records give equal text. Consent
// subjects are left out, they identify people. Thread-safe.
std::string SampleJson(const record::ImageRecord& record);

// One line of rejected.jsonl, without the newline: the same promises. The last verdict of
// record.history says who refused it and why.
std::string RejectedJson(const record::ImageRecord& record);

// The key of a record's files in a shard: its id where that is 1 to 64 letters, digits, '-' and
// '_', as derived ids are; else 32 hex digits of the id's SHA-256. Never a dot: a WebDataset key
// ends at the first one.
std::string SampleKey(const RecordId& id);

// "jpg", "png", "webp" ...; "bin" for a media type that is not an image Winnow writes.
std::string ImageExtension(std::string_view media_type);

}  // namespace winnow::dataset
