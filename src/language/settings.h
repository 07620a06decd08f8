// SPDX-License-Identifier: Apache-2.0
//
// Reading a config.json: every refusal names the file, the key, what it holds and what is expected.
#pragma once

#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace icl::language {

// A JSON object. A key that is absent and one that is null are the same: the fallback applies, or,
// if there is none, DataError.
class Settings {
 public:
  Settings(nlohmann::json object, std::string where);

  bool has(const char* key) const;
  int64_t size(const char* key, std::optional<int64_t> fallback = {}) const;  // 1 .. 2^31
  int64_t layers(const char* key) const;                                      // 1 .. 10000
  double number(const char* key, std::optional<double> fallback = {}) const;
  bool flag(const char* key, bool fallback) const;
  std::string text(const char* key, std::optional<std::string> fallback = {}) const;
  Settings object(const char* key) const;  // absent: empty
  // Throws DataError unless the setting, or its fallback, is `only`.
  void expect_flag(const char* key, bool fallback, bool only) const;
  // The index among `known` of the text, or DataError naming them and the nearest.
  size_t choice(const char* key, const std::string& fallback,
                const std::vector<std::string>& known) const;

  [[noreturn]] void refuse(const std::string& key, const std::string& expected) const;
  const nlohmann::json& json() const { return object_; }
  const std::string& where() const { return where_; }

 private:
  const nlohmann::json* find(const char* key) const;

  nlohmann::json object_;
  std::string where_;
};

}  // namespace icl::language
