// SPDX-License-Identifier: Apache-2.0
//
// A value of a JSON file together with where it stands, so that every complaint names the file and
// the key: "'m/tokenizer.json': model.merges[7]: ...".
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace icl::tokenizer {

// Throws DataError that names the file for what is not JSON, or nested deeper than 100 levels.
nlohmann::json read_json(const std::filesystem::path& path);

class JsonPlace {
 public:
  JsonPlace(const nlohmann::json& value, std::string file, std::string key = "")
      : value_(&value), file_(std::move(file)), key_(std::move(key)) {}

  const nlohmann::json& value() const { return *value_; }
  const std::string& file() const { return file_; }
  bool is_null() const { return value_->is_null(); }

  // Throws DataError with the place in front.
  [[noreturn]] void fail(const std::string& message) const;

  JsonPlace at(const std::string& key) const;    // fails when it is missing
  JsonPlace find(const std::string& key) const;  // null when it is missing
  std::vector<JsonPlace> elements() const;       // of a list
  std::string type() const;                      // its "type"
  const std::string& text() const;
  bool flag(const std::string& key, bool otherwise) const;
  std::string text(const std::string& key, const std::string& otherwise) const;
  int64_t integer(int64_t low, int64_t high) const;
  char32_t character() const;  // a string of one character
  void require_object() const;

  // Fails with what is supported instead of `type()`.
  [[noreturn]] void unsupported(const std::string& what, const std::string& supported) const;

 private:
  const nlohmann::json* value_;
  std::string file_;
  std::string key_;
};

}  // namespace icl::tokenizer
