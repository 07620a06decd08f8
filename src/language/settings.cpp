// SPDX-License-Identifier: Apache-2.0
#include "src/language/settings.h"

#include <algorithm>
#include <cmath>

#include "icl/base/error.h"
#include "icl/base/log.h"
#include "icl/base/text.h"

namespace icl::language {

using Json = nlohmann::json;

Settings::Settings(Json object, std::string where)
    : object_(std::move(object)), where_(std::move(where)) {
  if (!object_.is_object()) {
    throw DataError(str(where_, ": expected a JSON object, found ", object_.type_name()));
  }
}

Settings Settings::with_synonyms(const std::vector<Synonym>& synonyms) const {
  Settings settings = *this;
  for (const auto& [word, key] : synonyms) {
    const Json* const value = find(word);
    if (value == nullptr) continue;
    if (const Json* other = find(key); other != nullptr && *other != *value) {
      log_warning(str(where_, ": '", word, "' is ", value->dump(), " and '", key, "' is ",
                      other->dump(), "; both name one setting, '", word, "' is used"));
    }
    settings.object_[key] = *value;
    settings.words_[key] = word;
  }
  return settings;
}

const Json* Settings::find(const char* key) const {
  const auto found = object_.find(key);
  return found == object_.end() || found->is_null() ? nullptr : &*found;
}

void Settings::refuse(const std::string& key, const std::string& expected) const {
  const auto found = object_.find(key);
  const auto word = words_.find(key);
  std::string what = found == object_.end() ? "is missing" : "is " + found->dump();
  if (what.size() > 80) what = str("is ", found->type_name());
  throw DataError(str(where_, ": '", word == words_.end() ? key : word->second, "' ", what,
                      ", expected ", expected));
}

bool Settings::has(const char* key) const {
  return find(key) != nullptr;
}

bool Settings::is_null(const char* key) const {
  return object_.contains(key) && find(key) == nullptr;
}

int64_t Settings::size(const char* key, std::optional<int64_t> fallback) const {
  const Json* value = find(key);
  if (value == nullptr && fallback) {
    missing_sizes_->insert(str("'", key, "' (", *fallback, ")"));
    return *fallback;
  }
  constexpr int64_t kHighest = int64_t{1} << 31;
  const bool integer = value != nullptr && value->is_number_integer();
  if (!integer || value->get<int64_t>() < 1 || value->get<int64_t>() > kHighest) {
    refuse(key, "a positive integer");
  }
  return value->get<int64_t>();
}

int64_t Settings::layers(const char* key, int64_t fallback) const {
  // All layers are built before the weights are read: a damaged count could take all memory.
  const int64_t count = size(key, fallback);
  if (count > 10'000) refuse(key, "1 .. 10000 layers");
  return count;
}

int64_t Settings::integer(const char* key, int64_t fallback) const {
  const Json* value = find(key);
  if (value == nullptr) return fallback;
  if (!value->is_number_integer()) refuse(key, "an integer");
  return value->get<int64_t>();
}

double Settings::number(const char* key, std::optional<double> fallback) const {
  const Json* value = find(key);
  if (value == nullptr && fallback) return *fallback;
  if (value == nullptr || !value->is_number() || !std::isfinite(value->get<double>())) {
    refuse(key, "a number");
  }
  return value->get<double>();
}

std::vector<double> Settings::numbers(const char* key) const {
  const Json* value = find(key);
  std::vector<double> numbers;
  if (value == nullptr || !value->is_array()) refuse(key, "a list of numbers");
  for (const Json& number : *value) {
    if (!number.is_number()) refuse(key, "a list of numbers");
    numbers.push_back(number.get<double>());
  }
  return numbers;
}

std::vector<int64_t> Settings::token_ids(const char* key) const {
  const Json* value = find(key);
  if (value == nullptr) return {};
  std::vector<int64_t> ids;
  for (const Json& id : value->is_array() ? *value : Json::array({*value})) {
    if (!id.is_number_integer()) refuse(key, "a token id or a list of them");
    ids.push_back(id.get<int64_t>());
  }
  return ids;
}

bool Settings::flag(const char* key, bool fallback) const {
  const Json* value = find(key);
  if (value == nullptr) return fallback;
  if (!value->is_boolean()) refuse(key, "true or false");
  return value->get<bool>();
}

std::string Settings::text(const char* key, std::optional<std::string> fallback) const {
  const Json* value = find(key);
  if (value == nullptr && fallback) return *fallback;
  if (value == nullptr || !value->is_string()) refuse(key, "a string");
  return value->get<std::string>();
}

Settings Settings::object(const char* key) const {
  const Json* value = find(key);
  if (value != nullptr && !value->is_object()) refuse(key, "an object");
  return {value == nullptr ? Json::object() : *value, str(where_, ": ", key)};
}

void Settings::expect_flag(const char* key, bool fallback, bool only) const {
  if (flag(key, fallback) != only)
    refuse(key, str(only ? "true" : "false", " (no other is known)"));
}

size_t Settings::choice(const char* key, const std::string& fallback,
                        const std::vector<std::string>& known) const {
  const std::string value = text(key, fallback);
  const auto found = std::find(known.begin(), known.end(), value);
  if (found == known.end()) {
    refuse(key, (known.size() > 1 ? "one of " : "") + join(known) + did_you_mean(value, known));
  }
  return static_cast<size_t>(found - known.begin());
}

}  // namespace icl::language
