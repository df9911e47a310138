// One pass over the ledger: everything the manifest and the report count, and the records they show.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "libs/dataset/report.h"
#include "libs/record/image_record.h"
#include "libs/spec/spec.h"

namespace winnow::cli {

// Some records of a kind: those with the smallest ids. Ids are digests, so this is a random choice
// that is the same on every run, in memory that does not grow.
class Sample {
 public:
  explicit Sample(std::size_t size) : size_(size) {}
  void Offer(const record::ImageRecord& record);
  const std::map<RecordId, record::ImageRecord>& records() const { return records_; }

 private:
  std::size_t size_;
  std::map<RecordId, record::ImageRecord> records_;
};

// Memory: a few dozen records without payload, whatever the size of the ledger.
class Tally {
 public:
  explicit Tally(const spec::CollectionSpec& spec);

  void Add(const record::ImageRecord& record);

  // Stored images with at least one annotation of the class.
  const std::map<std::string, std::uint64_t>& class_counts() const { return class_counts_; }
  std::uint64_t duplicates() const { return duplicates_; }
  std::uint64_t superseded() const;
  std::string face_model_digest() const { return face_model_digest_; }

  dataset::PrivacySummary Privacy() const;
  std::vector<dataset::AxisBalance> Axes() const;
  std::vector<dataset::Histogram> Histograms() const { return histograms_; }
  // Without examples; refusals in the order of the enum.
  std::vector<dataset::ReasonCount> Reasons() const;

  // Records to show: by reason, duplicates apart, stored ones, and those of them that took the place
  // of an earlier copy.
  const std::map<record::Reason, Sample>& refused() const { return refused_; }
  const Sample& duplicate_sample() const { return duplicate_sample_; }
  const Sample& stored_sample() const { return stored_sample_; }
  const Sample& replacement_sample() const { return replacement_sample_; }

 private:
  void AddMeasurements(const record::Measurements& measurements);
  void AddPrivacy(const record::ImageRecord& record);
  void AddBalance(const record::ImageRecord& record, bool stored);
  void AddRefusal(const record::ImageRecord& record, const record::StageVerdict& last);

  struct Balance {
    std::uint64_t before = 0;
    std::uint64_t after = 0;
  };

  const spec::CollectionSpec& spec_;
  std::map<std::string, std::uint64_t> class_counts_;
  std::uint64_t duplicates_ = 0;
  std::string face_model_digest_;
  dataset::PrivacySummary privacy_;
  double redacted_area_ = 0;  // sum of ratios
  std::map<std::pair<std::string, std::string>, Balance> strata_;  // by axis and value
  std::vector<dataset::Histogram> histograms_;
  std::map<record::Reason, dataset::ReasonCount> reasons_;
  std::map<record::Reason, Sample> refused_;
  Sample duplicate_sample_;
  Sample stored_sample_;
  Sample replacement_sample_;
};

}  // namespace winnow::cli
