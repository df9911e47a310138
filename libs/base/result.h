// Error values. Winnow throws no exceptions across room borders: what can fail returns a Result.
#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace winnow {

// What the caller has to do about it; one code per reaction, not per cause.
enum class ErrorCode {
  kInput,         // the bytes or the record at hand are bad: set this record aside, go on
  kConfig,        // the user must change a setting, path or spec: exit before starting
  kUnavailable,   // disk, broker or network failed: stop or retry, nothing is lost
  kCorruptState,  // stored state contradicts itself: stop, rebuild
  kCancelled,     // asked to stop
  kBug,           // a promise inside Winnow was broken
};

std::string_view ErrorCodeName(ErrorCode code);

// `message` is one line for the user that says what to do.
struct Error {
  ErrorCode code;
  std::string message;
};

// A value or an Error. A failed Result means "could not judge": a bad image is a verdict, not an
// Error.
template <class T>
class [[nodiscard]] Result : public tl::expected<T, Error> {
  using Base = tl::expected<T, Error>;

 public:
  using Base::Base;
  Result(Error error) : Base(tl::unexpected<Error>(std::move(error))) {}  // NOLINT
};

using Status = Result<void>;

inline Error InputError(std::string message) { return {ErrorCode::kInput, std::move(message)}; }
inline Error ConfigError(std::string message) { return {ErrorCode::kConfig, std::move(message)}; }
inline Error UnavailableError(std::string message) {
  return {ErrorCode::kUnavailable, std::move(message)};
}
inline Error CorruptStateError(std::string message) {
  return {ErrorCode::kCorruptState, std::move(message)};
}
inline Error CancelledError(std::string message) {
  return {ErrorCode::kCancelled, std::move(message)};
}
inline Error BugError(std::string message) { return {ErrorCode::kBug, std::move(message)}; }

}  // namespace winnow

#define WINNOW_CONCAT_INNER(a, b) a##b
#define WINNOW_CONCAT(a, b) WINNOW_CONCAT_INNER(a, b)

// Returns the Error of `expression` from the enclosing function, if it has one.
#define WINNOW_RETURN_IF_ERROR(expression)                                             \
  do {                                                                                 \
    if (auto winnow_status = (expression); !winnow_status) return winnow_status.error(); \
  } while (false)

// WINNOW_ASSIGN_OR_RETURN(auto value, Fallible());
#define WINNOW_ASSIGN_OR_RETURN(target, expression) \
  WINNOW_ASSIGN_OR_RETURN_INNER(WINNOW_CONCAT(winnow_result_, __LINE__), target, expression)
#define WINNOW_ASSIGN_OR_RETURN_INNER(result, target, expression) \
  auto result = (expression);                                     \
  if (!result) return result.error();                             \
  target = std::move(*result)
