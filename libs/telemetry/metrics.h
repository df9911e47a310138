// Counters, gauges and histograms as Prometheus scrapes them. A face over prometheus-cpp, so that a
// service's own figures need no third-party header.
//
// Labels come from closed sets and configured names only: a label made from a record's content
// would grow without bound. At() looks a series up under a lock; resolve it once, not per record.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace prometheus {
class Counter;
class Gauge;
class Histogram;
template <typename T>
class Family;
}  // namespace prometheus

namespace winnow::telemetry {

using Labels = std::map<std::string, std::string>;

// One series: a reference, cheap to copy, thread-safe, valid as long as its Metrics. A
// default-constructed one takes no calls.
class Counter {
 public:
  Counter() = default;
  explicit Counter(prometheus::Counter& series) : series_(&series) {}
  // `amount` >= 0.
  void Add(double amount = 1);
  double Value() const;

 private:
  prometheus::Counter* series_ = nullptr;
};

class Gauge {
 public:
  Gauge() = default;
  explicit Gauge(prometheus::Gauge& series) : series_(&series) {}
  void Set(double value);
  double Value() const;

 private:
  prometheus::Gauge* series_ = nullptr;
};

class Histogram {
 public:
  Histogram() = default;
  explicit Histogram(prometheus::Histogram& series) : series_(&series) {}
  void Observe(double value);

 private:
  prometheus::Histogram* series_ = nullptr;
};

// All series of one name. References, as above; At() makes the series if it is not there.
class CounterFamily {
 public:
  explicit CounterFamily(prometheus::Family<prometheus::Counter>& family) : family_(&family) {}
  Counter At(const Labels& labels);

 private:
  prometheus::Family<prometheus::Counter>* family_;
};

class GaugeFamily {
 public:
  explicit GaugeFamily(prometheus::Family<prometheus::Gauge>& family) : family_(&family) {}
  Gauge At(const Labels& labels);
  // The series disappears from the next scrape; other Gauges of it must not be used any more.
  void Remove(const Labels& labels);

 private:
  prometheus::Family<prometheus::Gauge>* family_;
};

class HistogramFamily {
 public:
  // `bounds`: upper ends of the buckets, ascending; +Inf is added.
  HistogramFamily(prometheus::Family<prometheus::Histogram>& family, std::vector<double> bounds)
      : family_(&family), bounds_(std::move(bounds)) {}
  Histogram At(const Labels& labels);

 private:
  prometheus::Family<prometheus::Histogram>* family_;
  std::vector<double> bounds_;
};

// What one process tells. Thread-safe. Names and label names must be valid ones and a name be added
// once: anything else is a bug and ends the process.
class Metrics {
 public:
  Metrics();
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  CounterFamily AddCounters(const std::string& name, const std::string& help);
  GaugeFamily AddGauges(const std::string& name, const std::string& help);
  HistogramFamily AddHistograms(const std::string& name, const std::string& help,
                                std::vector<double> bounds);

  // `refresh` sets gauges that are only looked up when somebody asks: it is called at the beginning
  // of each Text(), one at a time, and what it uses must live as long as Text() may be called. It
  // must be quick and must not call Text().
  void BeforeText(std::function<void()> refresh);

  // All series and those of the process itself (memory, CPU, files, start), in the Prometheus text
  // format 0.0.4.
  std::string Text() const;

 private:
  struct Registry;
  std::unique_ptr<Registry> registry_;
};

inline constexpr const char* kMetricsContentType = "text/plain; version=0.0.4; charset=utf-8";

}  // namespace winnow::telemetry
