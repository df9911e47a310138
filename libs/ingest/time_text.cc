#include "libs/ingest/time_text.h"

#include <chrono>

namespace winnow::ingest {
namespace {

namespace chrono = std::chrono;

// Takes text off the front; once something does not fit, everything after fails too.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : rest_(text) {}

  int Digits(int count) {
    int value = 0;
    for (int i = 0; i < count; ++i) {
      if (rest_.empty() || rest_.front() < '0' || rest_.front() > '9') good_ = false;
      if (!good_) return 0;
      value = value * 10 + (rest_.front() - '0');
      rest_.remove_prefix(1);
    }
    return value;
  }
  void Expect(char c) {
    if (!Take(c)) good_ = false;
  }
  bool Take(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void Require(bool condition) { good_ = good_ && condition; }
  bool AtDigit() const { return !rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9'; }
  bool good() const { return good_; }
  bool done() const { return good_ && rest_.empty(); }

 private:
  std::string_view rest_;
  bool good_ = true;
};

Timestamp TakeDate(Cursor& cursor, char separator) {
  const int year = cursor.Digits(4);
  cursor.Expect(separator);
  const int month = cursor.Digits(2);
  cursor.Expect(separator);
  const int day = cursor.Digits(2);
  const chrono::year_month_day date{chrono::year(year),
                                    chrono::month(static_cast<unsigned>(month)),
                                    chrono::day(static_cast<unsigned>(day))};
  cursor.Require(date.ok());
  return cursor.good() ? Timestamp(chrono::sys_days(date)) : Timestamp();
}

chrono::milliseconds TakeClock(Cursor& cursor) {
  const int hour = cursor.Digits(2);
  cursor.Expect(':');
  const int minute = cursor.Digits(2);
  cursor.Expect(':');
  const int second = cursor.Digits(2);
  cursor.Require(hour < 24 && minute < 60 && second <= 60);  // 60: a leap second
  return chrono::hours(hour) + chrono::minutes(minute) + chrono::seconds(second);
}

// Milliseconds; further digits are cut off.
chrono::milliseconds TakeFraction(Cursor& cursor) {
  if (!cursor.Take('.')) return {};
  cursor.Require(cursor.AtDigit());
  int millis = 0;
  for (int scale = 100; cursor.AtDigit(); scale /= 10) millis += cursor.Digits(1) * scale;
  return chrono::milliseconds(millis);
}

chrono::minutes TakeOffset(Cursor& cursor) {
  const bool west = cursor.Take('-');
  if (!west) cursor.Expect('+');
  const int hours = cursor.Digits(2);
  cursor.Expect(':');
  const int minutes = cursor.Digits(2);
  cursor.Require(hours < 24 && minutes < 60);
  const chrono::minutes offset = chrono::hours(hours) + chrono::minutes(minutes);
  return west ? -offset : offset;
}

}  // namespace

std::optional<Timestamp> ParseRfc3339(std::string_view text) {
  Cursor cursor(text);
  Timestamp time = TakeDate(cursor, '-');
  if (cursor.done()) return time;
  if (!cursor.Take('T') && !cursor.Take('t')) cursor.Expect(' ');
  time += TakeClock(cursor);
  time += TakeFraction(cursor);
  if (!cursor.Take('Z') && !cursor.Take('z')) time -= TakeOffset(cursor);
  return cursor.done() ? std::optional(time) : std::nullopt;
}

std::optional<Timestamp> ParseExifTime(std::string_view text, std::string_view offset) {
  Cursor cursor(text);
  Timestamp time = TakeDate(cursor, ':');
  cursor.Expect(' ');
  time += TakeClock(cursor);
  if (!cursor.done()) return std::nullopt;
  Cursor zone(offset);
  const chrono::minutes ahead = TakeOffset(zone);
  return zone.done() ? time - ahead : time;
}

}  // namespace winnow::ingest
