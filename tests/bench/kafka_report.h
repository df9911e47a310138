// Figures of a run of kafka_benchmark, as a table for people and as JSON for comparing runs.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace winnow::bench {

enum class LoopKind { kPlain, kTransactional, kStage };
inline constexpr std::array kLoopKinds = {LoopKind::kPlain, LoopKind::kTransactional,
                                          LoopKind::kStage};
std::string_view Name(LoopKind kind);  // "plain"

// Of one loop; all 0 if it was not measured.
struct Figures {
  double records_per_second = 0;
  // Of this process, user and system: what other load on the machine changes least.
  double cpu_microseconds_per_record = 0;
};

// The loops one after another, by LoopKind.
using Round = std::array<Figures, kLoopKinds.size()>;

// Rounds at one size of message and one commit interval.
struct Cell {
  std::size_t message_bytes = 0;
  int interval_ms = 0;
  std::vector<Round> rounds;
};

struct RestoreFigures {
  std::uint64_t entries = 0;
  std::size_t entry_bytes = 0;
  double entries_per_second = 0;
  double read_per_second = 0;  // the same topic, only read
};

struct Machine {
  unsigned cores = 0;
  double load_before = 0;  // mean of a minute
  int partitions = 0;
  std::size_t lanes = 0;
};

struct Report {
  Machine machine;
  std::vector<Cell> cells;
  std::vector<RestoreFigures> restores;
};

struct Spread {
  double low = 0;
  double median = 0;
  double high = 0;
};
// Of the rounds that have the figure. All 0 without any.
Spread RateOf(const Cell& cell, LoopKind kind);
Spread CpuOf(const Cell& cell, LoopKind kind);
// Within each round, so that a machine that becomes slower meanwhile does not count.
Spread RatioOf(const Cell& cell, LoopKind of, LoopKind to);

std::string ToMarkdown(const Report& report);
std::string ToJson(const Report& report);

}  // namespace winnow::bench
