// SPDX-License-Identifier: Apache-2.0
//
// A value of a JSON document together with its place, so that every error names the document and
// the key: "'result.json': means[2].shots: expected an integer, found null".
//
//   const auto json = read_json<nlohmann::json>("result.json");
//   const JsonView root(json, "'result.json'");
//   for (const JsonView& mean : root.at("means").elements()) use(mean.at("shots").integer());
#pragma once

#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace icl {

// Refers to the value, which has to outlive the view. Accessors throw DataError where the value is
// of another type than asked for.
class JsonView {
 public:
  // `name` says what the document is, `key` where in it the value is; "" for the whole.
  JsonView(const nlohmann::json& value, std::string name, std::string key = "")
      : value_(&value), name_(std::move(name)), key_(std::move(key)) {}

  const nlohmann::json& value() const { return *value_; }
  const std::string& name() const { return name_; }
  const std::string& key() const { return key_; }
  bool is_null() const { return value_->is_null(); }

  // Throws DataError with the place in front.
  [[noreturn]] void fail(const std::string& message) const;

  JsonView at(const std::string& key) const;    // of an object; a missing or null one is an error
  JsonView find(const std::string& key) const;  // null if it is missing
  std::vector<JsonView> elements() const;       // of a list
  bool flag() const;
  int64_t integer(int64_t low = std::numeric_limits<int64_t>::min(),
                  int64_t high = std::numeric_limits<int64_t>::max()) const;
  double number() const;
  double number_or_nan() const;  // null stands for NaN
  const std::string& text() const;
  std::string text_or_empty() const;  // null stands for ""

  // Throws DataError unless the object is of this "schema" and this "version".
  void expect_schema(const std::string& schema, int64_t version) const;

 private:
  [[noreturn]] void expected(const std::string& what) const;

  const nlohmann::json* value_;
  std::string name_;
  std::string key_;
};

}  // namespace icl
