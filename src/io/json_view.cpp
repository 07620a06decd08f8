// SPDX-License-Identifier: Apache-2.0
#include "icl/io/json_view.h"

#include "icl/base/error.h"

namespace icl {
namespace {

constexpr size_t kLongestShown = 80;  // characters of a value in a message

}  // namespace

void JsonView::fail(const std::string& message) const {
  throw DataError(str(name_, ": ", key_.empty() ? "" : key_ + ": ", message));
}

void JsonView::expected(const std::string& what) const {
  std::string found = value_->is_structured()
                          ? std::string("an ") + value_->type_name()
                          : value_->dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  if (found.size() > kLongestShown) found = value_->type_name();
  fail(str("expected ", what, ", found ", found));
}

JsonView JsonView::find(const std::string& key) const {
  static const nlohmann::json kNull;
  if (!value_->is_object()) expected("an object");
  const auto found = value_->find(key);
  return {found == value_->end() ? kNull : *found, name_, key_.empty() ? key : key_ + "." + key};
}

JsonView JsonView::at(const std::string& key) const {
  const JsonView view = find(key);
  if (view.is_null()) view.fail("is missing");
  return view;
}

std::vector<JsonView> JsonView::elements() const {
  if (!value_->is_array()) expected("a list");
  std::vector<JsonView> views;
  views.reserve(value_->size());
  for (size_t i = 0; i < value_->size(); ++i) {
    views.emplace_back((*value_)[i], name_, str(key_, "[", i, "]"));
  }
  return views;
}

bool JsonView::flag() const {
  if (!value_->is_boolean()) expected("true or false");
  return value_->get<bool>();
}

int64_t JsonView::integer(int64_t low, int64_t high) const {
  const bool fits =
      value_->is_number_integer() &&
      (!value_->is_number_unsigned() ||
       value_->get<uint64_t>() <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max()));
  if (!fits) expected("an integer");
  const auto number = value_->get<int64_t>();
  if (number < low || number > high) expected(str("an integer ", low, " .. ", high));
  return number;
}

double JsonView::number() const {
  if (!value_->is_number()) expected("a number");
  return value_->get<double>();
}

double JsonView::number_or_nan() const {
  return is_null() ? std::numeric_limits<double>::quiet_NaN() : number();
}

const std::string& JsonView::text() const {
  if (!value_->is_string()) expected("a string");
  return value_->get_ref<const std::string&>();
}

std::string JsonView::text_or_empty() const {
  return is_null() ? "" : text();
}

void JsonView::expect_schema(const std::string& schema, int64_t version) const {
  const JsonView found = find("schema");
  if (found.value() != schema) found.expected("'" + schema + "'");
  const int64_t written = at("version").integer();
  if (written == version) return;
  at("version").fail(str("expected ", version, ", found ", written,
                         written > version ? " (written by a newer icl)" : ""));
}

}  // namespace icl
