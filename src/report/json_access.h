// SPDX-License-Identifier: Apache-2.0
//
// Reads of JSON that may lack anything or hold another type: a default instead of an exception.
#pragma once

#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace icl::report {

using Json = nlohmann::ordered_json;

inline const Json& at(const Json& object, const char* key) {
  static const Json null;
  if (!object.is_object()) return null;
  const auto found = object.find(key);
  return found == object.end() ? null : *found;
}

inline double to_number(const Json& value) {
  return value.is_number() ? value.get<double>() : NAN;
}

inline double number_at(const Json& object, const char* key) {
  return to_number(at(object, key));
}

inline std::optional<int64_t> integer_at(const Json& object, const char* key) {
  const double value = number_at(object, key);
  if (!(std::abs(value) < 9e15)) return std::nullopt;
  return static_cast<int64_t>(value);
}

inline std::string text_at(const Json& object, const char* key) {
  const Json& value = at(object, key);
  return value.is_string() ? value.get<std::string>() : "";
}

inline std::vector<double> numbers_at(const Json& object, const char* key) {
  std::vector<double> numbers;
  const Json& list = at(object, key);
  if (list.is_array()) {
    for (const Json& value : list) numbers.push_back(to_number(value));
  }
  return numbers;
}

}  // namespace icl::report
