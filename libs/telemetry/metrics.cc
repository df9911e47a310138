#include "libs/telemetry/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <iterator>
#include <utility>

#include "libs/base/mutex.h"
#include "libs/telemetry/process_figures.h"

namespace winnow::telemetry {
namespace {

prometheus::MetricFamily Single(const char* name, const char* help, prometheus::MetricType type,
                                double value) {
  prometheus::ClientMetric metric;
  metric.counter.value = value;
  metric.gauge.value = value;
  return {name, help, type, {std::move(metric)}};
}

// Names and meanings as in the client libraries of other languages.
std::vector<prometheus::MetricFamily> OfProcess() {
  using prometheus::MetricType;
  const ProcessFigures now = ReadProcessFigures();
  return {
      Single("process_cpu_seconds_total", "CPU time used, user and system", MetricType::Counter,
             now.cpu_seconds),
      Single("process_resident_memory_bytes", "Resident memory", MetricType::Gauge,
             now.resident_bytes),
      Single("process_open_fds", "Open file descriptors", MetricType::Gauge, now.open_files),
      Single("process_max_fds", "File descriptors it may open", MetricType::Gauge, now.max_files),
      Single("process_start_time_seconds", "When it began, seconds since 1970", MetricType::Gauge,
             now.started_at_seconds),
  };
}

}  // namespace

void Counter::Add(double amount) { series_->Increment(amount); }
double Counter::Value() const { return series_->Value(); }
void Gauge::Set(double value) { series_->Set(value); }
double Gauge::Value() const { return series_->Value(); }
void Histogram::Observe(double value) { series_->Observe(value); }

Counter CounterFamily::At(const Labels& labels) { return Counter(family_->Add(labels)); }
Gauge GaugeFamily::At(const Labels& labels) { return Gauge(family_->Add(labels)); }
void GaugeFamily::Remove(const Labels& labels) { family_->Remove(&family_->Add(labels)); }
Histogram HistogramFamily::At(const Labels& labels) {
  return Histogram(family_->Add(labels, bounds_));
}

struct Metrics::Registry {
  prometheus::Registry registry{prometheus::Registry::InsertBehavior::Throw};
  Mutex mutex;
  std::vector<std::function<void()>> refreshes WINNOW_GUARDED_BY(mutex);
};

Metrics::Metrics() : registry_(std::make_unique<Registry>()) {}
Metrics::~Metrics() = default;

CounterFamily Metrics::AddCounters(const std::string& name, const std::string& help) {
  return CounterFamily(
      prometheus::BuildCounter().Name(name).Help(help).Register(registry_->registry));
}

GaugeFamily Metrics::AddGauges(const std::string& name, const std::string& help) {
  return GaugeFamily(prometheus::BuildGauge().Name(name).Help(help).Register(registry_->registry));
}

HistogramFamily Metrics::AddHistograms(const std::string& name, const std::string& help,
                                       std::vector<double> bounds) {
  return {prometheus::BuildHistogram().Name(name).Help(help).Register(registry_->registry),
          std::move(bounds)};
}

void Metrics::BeforeText(std::function<void()> refresh) {
  MutexLock lock(registry_->mutex);
  registry_->refreshes.push_back(std::move(refresh));
}

std::string Metrics::Text() const {
  {
    MutexLock lock(registry_->mutex);
    for (const auto& refresh : registry_->refreshes) refresh();
  }
  std::vector<prometheus::MetricFamily> families = registry_->registry.Collect();
  std::vector<prometheus::MetricFamily> process = OfProcess();
  families.insert(families.end(), std::make_move_iterator(process.begin()),
                  std::make_move_iterator(process.end()));
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace winnow::telemetry
