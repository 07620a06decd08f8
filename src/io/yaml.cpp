// SPDX-License-Identifier: Apache-2.0
#include "icl/io/yaml.h"

#include <yaml-cpp/yaml.h>

#include <charconv>
#include <cmath>
#include <limits>

#include "icl/base/error.h"
#include "icl/io/files.h"

namespace icl {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kDeepest = 32;
constexpr int kMostValues = 10'000;  // an alias may stand for much

bool one_of(const std::string& text, std::initializer_list<const char*> words) {
  for (const char* word : words) {
    if (text == word) return true;
  }
  return false;
}

// The whole text as a number of type T, or false.
template <class T>
bool parsed(const std::string& text, T& value) {
  const char* first = text.data() + (text.starts_with("+") ? 1 : 0);
  const char* last = text.data() + text.size();
  const auto [end, error] = std::from_chars(first, last, value);
  return first != last && error == std::errc() && end == last;
}

Json plain_scalar(const std::string& text) {
  if (one_of(text, {"", "~", "null", "Null", "NULL"})) return nullptr;
  if (one_of(text, {"true", "True", "TRUE"})) return true;
  if (one_of(text, {"false", "False", "FALSE"})) return false;
  if (one_of(text, {".nan", ".NaN", ".NAN"})) return std::nan("");
  if (one_of(text, {".inf", ".Inf", ".INF", "+.inf"})) {
    return std::numeric_limits<double>::infinity();
  }
  if (one_of(text, {"-.inf", "-.Inf", "-.INF"})) return -std::numeric_limits<double>::infinity();
  int64_t integer = 0;
  if (parsed(text, integer)) return integer;
  double number = 0;
  const bool like_a_number = text.find_first_not_of("+-.0123456789eE") == std::string::npos;
  if (like_a_number && parsed(text, number)) return number;
  return text;
}

class Reader {
 public:
  explicit Reader(std::filesystem::path path) : path_(std::move(path)) {}

  YamlFile read() {
    try {
      const std::vector<YAML::Node> documents = YAML::LoadAll(read_file(path_));
      if (documents.size() != 1) {
        refuse(str("holds ", documents.size(), " YAML documents, expected one"));
      }
      file_.value = convert(documents.front(), "", 0);
    } catch (const YAML::Exception& error) {
      refuse(error.mark, str("is not YAML: ", error.msg));
    }
    return std::move(file_);
  }

 private:
  [[noreturn]] void refuse(const std::string& why) const {
    throw DataError(str("'", path_.string(), "' ", why));
  }
  [[noreturn]] void refuse(const YAML::Mark& mark, const std::string& why) const {
    if (mark.is_null()) refuse(why);
    throw DataError(str("'", path_.string(), "' line ", mark.line + 1, " ", why));
  }

  Json convert(const YAML::Node& node, const std::string& path, int depth) {
    if (depth > kDeepest) refuse(node.Mark(), str("is nested deeper than ", kDeepest));
    if (++n_values_ > kMostValues) refuse(str("holds more than ", kMostValues, " values"));
    file_.lines[path] = node.Mark().line + 1;
    if (node.IsScalar()) {
      return node.Tag() == "!" ? Json(node.Scalar()) : plain_scalar(node.Scalar());
    }
    if (node.IsSequence()) {
      Json list = Json::array();
      for (const auto& item : node) list.push_back(convert(item, path, depth + 1));
      return list;
    }
    if (!node.IsMap()) return nullptr;
    Json object = Json::object();
    for (const auto& item : node) {
      if (!item.first.IsScalar()) refuse(item.first.Mark(), "has a key that is not a word");
      const std::string& key = item.first.Scalar();
      const std::string below = path.empty() ? key : path + "." + key;
      if (object.contains(key)) refuse(item.first.Mark(), str("has '", below, "' a second time"));
      object[key] = convert(item.second, below, depth + 1);
      file_.lines[below] = item.first.Mark().line + 1;
    }
    return object;
  }

  std::filesystem::path path_;
  YamlFile file_;
  int n_values_ = 0;
};

}  // namespace

YamlFile read_yaml_file(const std::filesystem::path& path) {
  return Reader(path).read();
}

}  // namespace icl
