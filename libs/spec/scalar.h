// Text to number and back, with the units of the spec. Pure, locale-independent.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace winnow::spec {

// A value, or what is wrong with the text as the end of a sentence that begins with the text:
// "is not a whole number: write 4".
template <class T>
using Parsed = tl::expected<T, std::string>;

// "true" or "false", capitals allowed (YAML 1.2 core schema: "yes" and "on" are text).
Parsed<bool> ParseBool(std::string_view text);

// Decimal, with optional sign; "_" may separate digits: "10_000".
Parsed<std::int64_t> ParseWhole(std::string_view text);

// Decimal, finite: "0.3", "1e-3".
Parsed<double> ParseNumber(std::string_view text);

// A whole number of bytes or a number with B, kB, MB, GB, TB (powers of 1000) or KiB, MiB, GiB, TiB
// (powers of 1024), with or without a space: "64MiB", "1.5 GB".
Parsed<std::int64_t> ParseBytes(std::string_view text);

// A number of seconds or a number with ms, s, min or h: "10", "500ms".
Parsed<double> ParseSeconds(std::string_view text);

// The shortest text that the function above reads back as the same value. Bytes are written in the
// largest power of 1024 that divides them.
std::string FormatNumber(double value);
std::string FormatBytes(std::uint64_t bytes);
std::string FormatSeconds(double seconds);

}  // namespace winnow::spec
