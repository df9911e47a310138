#include "libs/ingest/coco_scan.h"

#include <sys/types.h>
#include <unistd.h>

#include <array>
#include <istream>
#include <limits>
#include <optional>
#include <streambuf>
#include <utility>

#include "libs/ingest/json_text.h"

namespace winnow::ingest {
namespace {

// Knows how many bytes its reader has taken, which a std::filebuf tells only by seeking.
class CountingBuffer : public std::streambuf {
 public:
  explicit CountingBuffer(int fd) : fd_(fd) {}
  std::uint64_t taken() const { return base_ + static_cast<std::uint64_t>(gptr() - eback()); }
  bool failed() const { return failed_; }

 protected:
  int_type underflow() override {
    base_ += static_cast<std::uint64_t>(gptr() - eback());
    const ssize_t got = pread(fd_, block_.data(), block_.size(), static_cast<off_t>(base_));
    failed_ = failed_ || got < 0;
    const std::ptrdiff_t size = got > 0 ? got : 0;
    setg(block_.data(), block_.data(), block_.data() + size);
    return size == 0 ? traits_type::eof() : traits_type::to_int_type(block_[0]);
  }

 private:
  int fd_;
  std::uint64_t base_ = 0;
  bool failed_ = false;
  std::array<char, 1 << 16> block_{};
};

enum class Section { kOther, kImages, kCategories, kAnnotations };

Section SectionOf(std::string_view key) {
  if (key == "images") return Section::kImages;
  if (key == "categories") return Section::kCategories;
  return key == "annotations" ? Section::kAnnotations : Section::kOther;
}

// The scalar members of the element at hand that the index needs.
struct Element {
  std::uint64_t offset = 0;
  std::optional<std::int64_t> id;
  std::optional<std::int64_t> image_id;
  std::int64_t width = 0;
  std::int64_t height = 0;
  std::optional<std::string> name;  // `file_name` of an image, `name` of a category
};

// Levels: 1 the document, 2 a section's list, 3 one element.
class Scanner : public nlohmann::json_sax<Json> {
 public:
  Scanner(const CountingBuffer& source, const CocoVisitor& visitor)
      : source_(source), visitor_(visitor) {}

  const std::string& problem() const { return problem_; }
  bool is_coco() const { return seen_images_ && seen_categories_ && seen_annotations_; }
  bool is_other() const { return other_; }

  bool null() override { return Scalar(); }
  bool boolean(bool) override { return Scalar(); }
  bool number_float(number_float_t value, const string_t&) override {
    const bool whole = value >= -9e15 && value <= 9e15 &&
                       static_cast<number_float_t>(static_cast<std::int64_t>(value)) == value;
    return Scalar() && (!whole || Number(static_cast<std::int64_t>(value)));
  }
  bool number_integer(number_integer_t value) override { return Scalar() && Number(value); }
  bool number_unsigned(number_unsigned_t value) override {
    const bool fits = value <= static_cast<number_unsigned_t>(
                                   std::numeric_limits<std::int64_t>::max());
    return Scalar() && (!fits || Number(static_cast<std::int64_t>(value)));
  }
  bool string(string_t& value) override {
    const bool name = (section_ == Section::kImages && field_ == "file_name") ||
                      (section_ == Section::kCategories && field_ == "name");
    if (depth_ == 3 && name) element_.name = value;
    return Scalar();
  }
  bool binary(binary_t&) override { return true; }

  bool key(string_t& value) override {
    if (depth_ == 1) section_ = SectionOf(value);
    if (depth_ == 3) field_ = value;
    return true;
  }
  bool start_object(std::size_t) override {
    if (depth_ == 2 && section_ != Section::kOther) {
      element_ = Element();
      element_.offset = source_.taken() - 1;
    }
    return Descend();
  }
  bool end_object() override {
    --depth_;
    return depth_ != 2 || section_ == Section::kOther || Finish();
  }
  bool start_array(std::size_t) override {
    if (depth_ == 0) return NotCoco();
    if (depth_ == 1) {
      seen_images_ = seen_images_ || section_ == Section::kImages;
      seen_categories_ = seen_categories_ || section_ == Section::kCategories;
      seen_annotations_ = seen_annotations_ || section_ == Section::kAnnotations;
    }
    return Descend();
  }
  bool end_array() override {
    --depth_;
    return true;
  }
  bool parse_error(std::size_t byte, const std::string&,
                   const nlohmann::detail::exception& error) override {
    problem_ = JsonProblem(byte, error.what());
    return false;
  }

 private:
  bool NotCoco() {
    other_ = true;
    return false;
  }
  bool Scalar() { return depth_ > 0 || NotCoco(); }
  bool Descend() {
    if (++depth_ <= kMaxJsonDepth) return true;
    return Fail("nested deeper than " + std::to_string(kMaxJsonDepth) + " levels");
  }
  bool Fail(const std::string& what) {
    problem_ = "byte " + std::to_string(source_.taken()) + ": " + what;
    return false;
  }
  bool Number(std::int64_t value) {
    if (depth_ != 3) return true;
    if (field_ == "id") element_.id = value;
    if (field_ == "image_id") element_.image_id = value;
    if (field_ == "width") element_.width = value;
    if (field_ == "height") element_.height = value;
    return true;
  }

  bool Finish() {
    switch (section_) {
      case Section::kImages: return FinishImage();
      case Section::kCategories: return FinishCategory();
      case Section::kAnnotations: return FinishAnnotation();
      case Section::kOther: return true;
    }
    return true;
  }
  bool FinishImage() {
    if (!element_.id) return Fail("an image without a whole number as \"id\"");
    if (!element_.name) return Fail("an image without \"file_name\"");
    const auto side = [](std::int64_t value) {
      return value > 0 && value < std::numeric_limits<std::int32_t>::max()
                 ? static_cast<std::uint32_t>(value)
                 : 0;
    };
    visitor_.image({*element_.id, *std::move(element_.name), side(element_.width),
                    side(element_.height)});
    return true;
  }
  bool FinishCategory() {
    if (!element_.id) return Fail("a category without a whole number as \"id\"");
    if (!element_.name) return Fail("a category without \"name\"");
    visitor_.category({*element_.id, *std::move(element_.name)});
    return true;
  }
  bool FinishAnnotation() {
    if (!element_.image_id) return Fail("an annotation without a whole number as \"image_id\"");
    const std::uint64_t length = source_.taken() - element_.offset;
    if (length > kMaxAnnotationBytes) return Fail("an annotation of more than 64 MiB");
    visitor_.annotation({*element_.image_id, element_.offset, static_cast<std::uint32_t>(length)});
    return true;
  }

  static constexpr std::uint64_t kMaxAnnotationBytes = 64u << 20;

  const CountingBuffer& source_;
  const CocoVisitor& visitor_;
  int depth_ = 0;
  Section section_ = Section::kOther;
  std::string field_;
  Element element_;
  bool seen_images_ = false;
  bool seen_categories_ = false;
  bool seen_annotations_ = false;
  bool other_ = false;
  std::string problem_;
};

}  // namespace

Result<bool> ScanCoco(int fd, const CocoVisitor& visitor) {
  CountingBuffer source(fd);
  std::istream stream(&source);
  Scanner scanner(source, visitor);
  const bool whole = Json::sax_parse(stream, &scanner);
  if (source.failed()) return InputError("the file cannot be read");
  if (scanner.is_other()) return false;
  if (!whole) return InputError(scanner.problem());
  return scanner.is_coco();
}

}  // namespace winnow::ingest
