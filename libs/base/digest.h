// SHA-256, the one content digest of Winnow (FIPS 180-4, computed by OpenSSL).
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace winnow {

using Sha256Digest = std::array<std::uint8_t, 32>;

Sha256Digest Sha256(std::string_view bytes);

// For input that comes in pieces. Not thread-safe.
class Sha256Hasher {
 public:
  Sha256Hasher();
  ~Sha256Hasher();
  Sha256Hasher(Sha256Hasher&&) noexcept;
  Sha256Hasher& operator=(Sha256Hasher&&) noexcept;

  void Update(std::string_view bytes);
  // Call once; the hasher is used up.
  Sha256Digest Finish();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

// Lower-case hex, two digits a byte.
std::string ToHex(std::string_view bytes);
std::string ToHex(const Sha256Digest& digest);

}  // namespace winnow
