// SPDX-License-Identifier: Apache-2.0
//
// Reading a config.json: every refusal names the file, the key, the value there and what is
// expected.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace icl::language {

// A JSON object. A key that is absent and one that is null are the same: the fallback applies, or,
// if there is none, DataError.
class Settings {
 public:
  // Another word that configs use for a key.
  struct Synonym {
    const char* word;
    const char* key;
  };

  Settings(nlohmann::json object, std::string where);
  // The same settings, read by their keys where the config uses the other words. If it has both,
  // the other word wins, as in transformers, and a warning says so where the values differ.
  Settings with_synonyms(const std::vector<Synonym>& synonyms) const;

  bool has(const char* key) const;
  bool is_null(const char* key) const;  // there, as null, which transformers reads as "none"
  int64_t size(const char* key, std::optional<int64_t> fallback = {}) const;  // 1 .. 2^31
  int64_t layers(const char* key, int64_t fallback) const;                    // 1 .. 10000
  int64_t integer(const char* key, int64_t fallback) const;                   // any
  double number(const char* key, std::optional<double> fallback = {}) const;
  bool flag(const char* key, bool fallback) const;
  std::vector<double> numbers(const char* key) const;     // a list of them
  std::vector<int64_t> token_ids(const char* key) const;  // one or a list; absent: none
  std::string text(const char* key, std::optional<std::string> fallback = {}) const;
  Settings object(const char* key) const;  // absent: empty
  // Throws DataError unless the setting, or its fallback, is `only`.
  void expect_flag(const char* key, bool fallback, bool only) const;
  // The index among `known` of the text, or DataError naming them and the nearest.
  size_t choice(const char* key, const std::string& fallback,
                const std::vector<std::string>& known) const;

  // The sizes that were read from fallbacks: "'n_embd' (768)". Shared by copies.
  const std::set<std::string>& missing_sizes() const { return *missing_sizes_; }

  [[noreturn]] void refuse(const std::string& key, const std::string& expected) const;
  const nlohmann::json& json() const { return object_; }
  const std::string& where() const { return where_; }

 private:
  const nlohmann::json* find(const char* key) const;

  nlohmann::json object_;
  std::string where_;
  std::map<std::string, std::string> words_;  // by key: the word that the config uses
  std::shared_ptr<std::set<std::string>> missing_sizes_ = std::make_shared<std::set<std::string>>();
};

}  // namespace icl::language
