// SPDX-License-Identifier: Apache-2.0
#include "src/tokenizer/json_place.h"

#include "icl/base/error.h"
#include "icl/io/files.h"
#include "src/tokenizer/unicode.h"

namespace icl::tokenizer {
namespace {

const nlohmann::json kNull;

// The value as JSON, cut to what a message can hold.
std::string shown(const nlohmann::json& value) {
  std::string text = value.is_structured() ? value.type_name() : value.dump();
  if (text.size() > 80) text = to_valid_utf8(text.substr(0, 77)) + "...";
  return text;
}

}  // namespace

nlohmann::json read_json(const std::filesystem::path& path) {
  constexpr int kDeepest = 100;
  const MappedFile file(path);
  const auto watch = [&](int depth, nlohmann::json::parse_event_t, const nlohmann::json&) {
    if (depth > kDeepest) {
      throw DataError(str("'", path.string(), "': is nested deeper than ", kDeepest, " levels"));
    }
    return true;
  };
  try {
    return nlohmann::json::parse(file.bytes(), watch);
  } catch (const nlohmann::json::exception& error) {
    throw DataError(str("'", path.string(), "': is not JSON: ", error.what()));
  }
}

void JsonPlace::fail(const std::string& message) const {
  throw DataError(str("'", file_, "': ", key_.empty() ? "" : key_ + ": ", message));
}

void JsonPlace::require_object() const {
  if (!value_->is_object()) fail("expected an object, got " + shown(*value_));
}

JsonPlace JsonPlace::find(const std::string& key) const {
  require_object();
  const auto found = value_->find(key);
  return {found == value_->end() ? kNull : *found, file_, key_.empty() ? key : key_ + "." + key};
}

JsonPlace JsonPlace::at(const std::string& key) const {
  const JsonPlace place = find(key);
  if (place.is_null()) fail("'" + key + "' is missing");
  return place;
}

std::vector<JsonPlace> JsonPlace::elements() const {
  if (!value_->is_array()) fail("expected a list, got " + shown(*value_));
  std::vector<JsonPlace> places;
  places.reserve(value_->size());
  for (size_t i = 0; i < value_->size(); ++i) {
    places.emplace_back((*value_)[i], file_, str(key_, "[", i, "]"));
  }
  return places;
}

std::string JsonPlace::type() const {
  return at("type").text();
}

const std::string& JsonPlace::text() const {
  if (!value_->is_string()) fail("expected a string, got " + shown(*value_));
  return value_->get_ref<const std::string&>();
}

bool JsonPlace::flag(const std::string& key, bool otherwise) const {
  const JsonPlace place = find(key);
  if (place.is_null()) return otherwise;
  if (!place.value().is_boolean()) {
    place.fail("expected true or false, got " + shown(place.value()));
  }
  return place.value().get<bool>();
}

std::string JsonPlace::text(const std::string& key, const std::string& otherwise) const {
  const JsonPlace place = find(key);
  return place.is_null() ? otherwise : place.text();
}

int64_t JsonPlace::integer(int64_t low, int64_t high) const {
  const bool fits = value_->is_number_integer() &&
                    (!value_->is_number_unsigned() || value_->get<uint64_t>() <= INT64_MAX);
  const int64_t number = fits ? value_->get<int64_t>() : low;
  if (!fits || number < low || number > high) {
    fail(str("expected an integer ", low, " .. ", high, ", got ", shown(*value_)));
  }
  return number;
}

char32_t JsonPlace::character() const {
  const std::string& string = text();
  if (string.empty() || decode_at(string, 0).length != string.size()) {
    fail("expected one character, got " + shown(*value_));
  }
  return decode_at(string, 0).value;
}

void JsonPlace::unsupported(const std::string& what, const std::string& supported) const {
  fail(str(what, " '", type(), "' is not supported; supported: ", supported));
}

}  // namespace icl::tokenizer
