#include "libs/ingest/json_text.h"

#include <cmath>
#include <limits>

namespace winnow::ingest {
namespace {

// Checks a document without building it: the parser proper would build any depth.
class DepthGuard : public nlohmann::json_sax<Json> {
 public:
  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool key(string_t&) override { return true; }
  bool start_object(std::size_t) override { return Descend(); }
  bool start_array(std::size_t) override { return Descend(); }
  bool end_object() override { return Ascend(); }
  bool end_array() override { return Ascend(); }
  bool parse_error(std::size_t byte, const std::string&,
                   const nlohmann::detail::exception& error) override {
    problem_ = JsonProblem(byte, error.what());
    return false;
  }

  const std::string& problem() const { return problem_; }

 private:
  bool Descend() {
    if (++depth_ <= kMaxJsonDepth) return true;
    problem_ = "nested deeper than " + std::to_string(kMaxJsonDepth) + " levels";
    return false;
  }
  bool Ascend() {
    --depth_;
    return true;
  }

  int depth_ = 0;
  std::string problem_;
};

Error Wrong(std::string_view what, std::string_view expected) {
  return InputError("\"" + std::string(what) + "\" must be " + std::string(expected));
}

std::optional<std::string> ScalarText(const Json& value) {
  if (value.is_string()) return value.get_ref<const std::string&>();
  if (value.is_number() || value.is_boolean()) return value.dump();
  return std::nullopt;
}

}  // namespace

std::string JsonProblem(std::size_t byte, std::string_view library_message) {
  // "[json.exception.parse_error.101] parse error at line 1, column 2: cause"
  const std::size_t bracket = library_message.find("] ");
  if (bracket != std::string_view::npos) library_message.remove_prefix(bracket + 2);
  const std::size_t cause = library_message.find(": ");
  if (library_message.starts_with("parse error") && cause != std::string_view::npos) {
    library_message.remove_prefix(cause + 2);
  }
  return "byte " + std::to_string(byte) + ": " + std::string(library_message);
}

Result<Json> ParseJson(std::string_view text) {
  DepthGuard guard;
  if (!Json::sax_parse(text.begin(), text.end(), &guard)) return InputError(guard.problem());
  Json document = Json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
  if (document.is_discarded()) return InputError("not a JSON document");
  return document;
}

Result<std::string> ReadText(const Json& value, std::string_view what) {
  if (!value.is_string()) return Wrong(what, "a text");
  return value.get_ref<const std::string&>();
}

Result<std::vector<std::string>> ReadTexts(const Json& value, std::string_view what) {
  if (!value.is_array()) return Wrong(what, "a list of texts");
  std::vector<std::string> texts;
  for (const Json& element : value) {
    WINNOW_ASSIGN_OR_RETURN(std::string text, ReadText(element, what));
    texts.push_back(std::move(text));
  }
  return texts;
}

Result<std::vector<double>> ReadNumbers(const Json& value, std::string_view what) {
  if (!value.is_array()) return Wrong(what, "a list of numbers");
  std::vector<double> numbers;
  numbers.reserve(value.size());
  for (const Json& element : value) {
    if (!element.is_number()) return Wrong(what, "a list of numbers");
    numbers.push_back(element.get<double>());
  }
  return numbers;
}

Result<std::map<std::string, std::string>> ReadTextMap(const Json& value, std::string_view what) {
  if (!value.is_object()) return Wrong(what, "an object of texts");
  std::map<std::string, std::string> map;
  for (const auto& [key, element] : value.items()) {
    auto text = ScalarText(element);
    if (!text) return Wrong(std::string(what) + "." + key, "a text, a number or true or false");
    map.emplace(key, *std::move(text));
  }
  return map;
}

Result<std::uint32_t> ReadUint32(const Json& value, std::string_view what) {
  constexpr double kMax = std::numeric_limits<std::uint32_t>::max();
  const double number = value.is_number() ? value.get<double>() : -1;
  if (number < 0 || number > kMax || number != std::floor(number)) {
    return Wrong(what, "a whole number of at most 32 bits");
  }
  return static_cast<std::uint32_t>(number);
}

const Json* Member(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

}  // namespace winnow::ingest
