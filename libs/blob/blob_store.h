// Claim-check store: image bytes too large, or too often carried, for a topic. Content-addressed:
// a blob's key is its SHA-256, so putting the same bytes twice is one blob and a reader can tell
// damage.
#pragma once

#include <memory>
#include <string>

#include "libs/base/bytes.h"
#include "libs/base/digest.h"
#include "libs/base/result.h"

namespace winnow::blob {

// All functions are thread-safe; several processes may use one store.
class BlobStore {
 public:
  virtual ~BlobStore() = default;

  // On return the bytes are durable. kUnavailable for a full or failing store. `digest` must be
  // the SHA-256 of `bytes`.
  virtual Status Put(const Sha256Digest& digest, std::string_view bytes) = 0;

  // kInput if the store has no such blob or what it has is not `digest`, or is longer than
  // `max_bytes`; kUnavailable if it cannot be read now.
  virtual Result<SharedBytes> Get(const Sha256Digest& digest, std::uint64_t max_bytes) const = 0;
};

// Files under `directory` (made if it is not there): AB/ABCDEF... by hex digest, written beside,
// synced and renamed. kConfig if the directory cannot be used.
Result<std::unique_ptr<BlobStore>> OpenDirectory(const std::string& directory);

}  // namespace winnow::blob
