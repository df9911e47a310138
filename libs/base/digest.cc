#include "libs/base/digest.h"

#include <openssl/evp.h>

#include "libs/base/check.h"

namespace winnow {
namespace {

// Looked up once, as OpenSSL 3 asks: EVP_sha256() is looked up again wherever it is used.
const EVP_MD* Algorithm() {
  static const EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return algorithm;
}

}  // namespace

struct Sha256Hasher::Context {
  Context() : evp(EVP_MD_CTX_new()) { WINNOW_CHECK(EVP_DigestInit_ex(evp, Algorithm(), nullptr)); }
  ~Context() { EVP_MD_CTX_free(evp); }
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
  EVP_MD_CTX* evp;
};

Sha256Hasher::Sha256Hasher() : context_(std::make_unique<Context>()) {}
Sha256Hasher::~Sha256Hasher() = default;
Sha256Hasher::Sha256Hasher(Sha256Hasher&&) noexcept = default;
Sha256Hasher& Sha256Hasher::operator=(Sha256Hasher&&) noexcept = default;

void Sha256Hasher::Update(std::string_view bytes) {
  WINNOW_CHECK(EVP_DigestUpdate(context_->evp, bytes.data(), bytes.size()));
}

Sha256Digest Sha256Hasher::Finish() {
  Sha256Digest digest;
  WINNOW_CHECK(EVP_DigestFinal_ex(context_->evp, digest.data(), nullptr));
  return digest;
}

// A context a thread is used again and again: to make one takes longer than to digest a short text.
Sha256Digest Sha256(std::string_view bytes) {
  static thread_local const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(
      EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  Sha256Digest digest;
  WINNOW_CHECK(EVP_DigestInit_ex(context.get(), Algorithm(), nullptr));
  WINNOW_CHECK(EVP_DigestUpdate(context.get(), bytes.data(), bytes.size()));
  WINNOW_CHECK(EVP_DigestFinal_ex(context.get(), digest.data(), nullptr));
  return digest;
}

std::string ToHex(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string hex;
  hex.reserve(bytes.size() * 2);
  for (const char byte : bytes) {
    const auto value = static_cast<unsigned char>(byte);
    hex.push_back(kDigits[value >> 4]);
    hex.push_back(kDigits[value & 15]);
  }
  return hex;
}

std::string ToHex(const Sha256Digest& digest) {
  std::string bytes(digest.begin(), digest.end());
  return ToHex(std::string_view(bytes));
}

}  // namespace winnow
