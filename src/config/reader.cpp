// SPDX-License-Identifier: Apache-2.0
#include "icl/config/reader.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "icl/base/error.h"
#include "icl/base/text.h"
#include "src/config/conditions.h"

namespace icl {
namespace {

using Json = nlohmann::ordered_json;

std::string shown(const Json& value) {
  std::string text = value.dump();
  if (text.size() > 40) text = text.substr(0, 37) + "...";
  return text;
}

class Reader : public Fields {
 public:
  Reader(const ConfigTree& tree, std::vector<std::string>& problems)
      : tree_(tree), problems_(problems) {
    open_.push_back({"", &tree.value(), {}, {}});
  }

  void finish() {
    close();
    for (const Unknown& unknown : unknown_) report_unknown(unknown);
  }

  void integer(const char* key, int64_t& value, Range range, const char* /*help*/) override {
    const Json* given = find(key);
    if (given == nullptr) return;
    const std::string expected = str("an integer ", range.text(), " (default ", value, ")");
    int64_t parsed = 0;
    if (given->is_number_integer()) {
      parsed = given->get<int64_t>();
    } else if (given->is_number_float() &&
               std::floor(given->get<double>()) == given->get<double>() &&
               std::abs(given->get<double>()) < 9e15) {
      parsed = static_cast<int64_t>(given->get<double>());  // 1e6 is an integer to a person
    } else {
      return wrong(key, *given, expected);
    }
    if (!range.contains(static_cast<double>(parsed))) return wrong(key, *given, expected);
    value = parsed;
  }

  void number(const char* key, double& value, Range range, const char* /*help*/) override {
    const Json* given = find(key);
    if (given == nullptr) return;
    if (!given->is_number() || !range.contains(given->get<double>())) {
      return wrong(key, *given, str("a number ", range.text(), " (default ", shortest(value), ")"));
    }
    value = given->get<double>();
  }

  void flag(const char* key, bool& value, const char* /*help*/) override {
    const Json* given = find(key);
    if (given == nullptr) return;
    if (!given->is_boolean()) {
      return wrong(key, *given, str("true or false (default ", value ? "true" : "false", ")"));
    }
    value = given->get<bool>();
  }

  void text(const char* key, std::string& value, const char* /*help*/) override {
    const Json* given = find(key);
    if (given == nullptr) return;
    if (!given->is_string()) return wrong(key, *given, "a string");
    value = given->get<std::string>();
  }

  void choice(const char* key, std::string& value, std::vector<std::string> allowed,
              const char* /*help*/) override {
    const Json* given = find(key);
    if (given == nullptr) return;
    const std::string word = given->is_string() ? given->get<std::string>() : "";
    if (std::find(allowed.begin(), allowed.end(), word) == allowed.end()) {
      return wrong(key, *given, str("one of ", join(allowed), did_you_mean(word, allowed)));
    }
    value = word;
  }

  void words(const char* key, std::vector<std::string>& value, std::vector<std::string> allowed,
             const char* /*help*/) override {
    const Json* given = find(key);
    if (given == nullptr) return;
    if (!given->is_array()) return wrong(key, *given, "a list of strings");
    std::vector<std::string> read;
    for (const Json& element : *given) {
      const std::string word = element.is_string() ? element.get<std::string>() : "";
      const bool known =
          allowed.empty() || std::find(allowed.begin(), allowed.end(), word) != allowed.end();
      if (!element.is_string() || !known) {
        return wrong(key, element,
                     allowed.empty() ? "a string"
                                     : str("any of ", join(allowed), did_you_mean(word, allowed)));
      }
      read.push_back(word);
    }
    value = std::move(read);
  }

  void numbers(const char* key, std::vector<double>& value, Range range,
               const char* /*help*/) override {
    const Json* given = find(key);
    if (given == nullptr) return;
    if (!given->is_array()) return wrong(key, *given, "a list of numbers");
    std::vector<double> read;
    for (const Json& element : *given) {
      if (!element.is_number() || !range.contains(element.get<double>())) {
        return wrong(key, element, str("numbers ", range.text()));
      }
      read.push_back(element.get<double>());
    }
    value = std::move(read);
  }

 protected:
  bool enter(const char* key, const char* /*help*/) override {
    const Json* given = find(key);
    if (given != nullptr && !given->is_object()) {
      wrong(key, *given, "an object, { ... }");
      given = nullptr;
    }
    open_.push_back({path_of(key), given, {}, {}});
    return true;  // also without the key: the names below it help to place a stray one
  }

  int64_t enter_list(const char* key, int64_t count, const char* /*help*/) override {
    const Json* given = find(key);
    if (given != nullptr && !given->is_array()) {
      wrong(key, *given, "a list, [ ... ]");
      given = nullptr;
    }
    open_.push_back({path_of(key), given, {}, {}});
    return given == nullptr ? count : static_cast<int64_t>(given->size());
  }

  bool enter_element(int64_t index) override {
    const Json* list = open_.back().value;
    const Json* given = list == nullptr ? nullptr : &(*list)[static_cast<size_t>(index)];
    const std::string path = open_.back().path + "." + std::to_string(index);
    if (given != nullptr && !given->is_object()) {
      problems_.push_back(
          str(place(path), path, ": got ", shown(*given), ", expected an object, { ... }"));
      given = nullptr;
    }
    open_.push_back({path, given, {}, {}});
    return true;
  }

  void leave() override { close(); }

  void begin_when(bool active, const std::string& condition) override {
    conditions_.push_back(active ? "" : condition);
  }
  void end_when() override { conditions_.pop_back(); }
  bool wants_other_kinds() const override { return true; }
  std::string path_of(const std::string& key) const override {
    return open_.back().path.empty() ? key : open_.back().path + "." + key;
  }

 private:
  struct Open {
    std::string path;
    const Json* value;               // null when the group was not given
    std::vector<std::string> known;  // keys that apply
    // Keys that do not apply, and the conditions under which they would.
    std::map<std::string, std::vector<std::string>> elsewhere;
  };
  struct Unknown {
    std::string path;
    std::string key;
    std::vector<std::string> siblings;
    std::vector<std::string> conditions;
  };

  std::string place(const std::string& path) const {
    const std::string origin = tree_.origin(path);
    return origin.empty() ? "" : origin + ": ";
  }

  const Json* find(const char* key) {
    Open& open = open_.back();
    std::vector<std::string> unmet;
    for (const std::string& condition : conditions_) {
      if (!condition.empty()) unmet.push_back(condition);
    }
    if (!unmet.empty()) {
      open.elsewhere[key].push_back(join(unmet, " and "));
      return nullptr;
    }
    open.known.emplace_back(key);
    all_paths_.push_back(path_of(key));
    if (open.value == nullptr || !open.value->is_object()) return nullptr;
    const auto found = open.value->find(key);
    return found == open.value->end() ? nullptr : &*found;
  }

  void wrong(const char* key, const Json& given, const std::string& expected) {
    const std::string path = path_of(key);
    problems_.push_back(str(place(path), path, ": got ", shown(given), ", expected ", expected));
  }

  void close() {
    const Open open = std::move(open_.back());
    open_.pop_back();
    if (open.value == nullptr || !open.value->is_object()) return;
    for (const auto& [key, value] : open.value->items()) {
      if (std::find(open.known.begin(), open.known.end(), key) != open.known.end()) continue;
      const auto reason = open.elsewhere.find(key);
      unknown_.push_back(
          {open.path.empty() ? key : open.path + "." + key, key, open.known,
           reason == open.elsewhere.end() ? std::vector<std::string>() : reason->second});
    }
  }

  // Whether the key was inherited, and a later layer chose the kind that has no such key.
  bool is_left_over(const Unknown& unknown) const {
    const int own = tree_.layer(unknown.path);
    return std::any_of(unknown.conditions.begin(), unknown.conditions.end(),
                       [&](const auto& condition) {
                         return own < tree_.layer(condition.substr(0, condition.find(" is ")));
                       });
  }

  void report_unknown(const Unknown& unknown) {
    std::string text = str(place(unknown.path), unknown.path, ": ");
    if (!unknown.conditions.empty()) {
      if (!is_left_over(unknown)) {
        problems_.push_back(str(text, "applies only when ", either(unknown.conditions)));
      }
      return;
    }
    std::string hint = did_you_mean(unknown.key, unknown.siblings);
    for (const std::string& path : all_paths_) {
      const bool same_name = path.size() > unknown.key.size() && path.ends_with("." + unknown.key);
      if (hint.empty() && (same_name || path == unknown.key)) {
        hint = "; did you mean '" + path + "'?";
      }
    }
    if (hint.empty()) hint = str("; known here: ", join(unknown.siblings));
    problems_.push_back(str(text, "unknown key", hint));
  }

  const ConfigTree& tree_;
  std::vector<std::string>& problems_;
  std::vector<Open> open_;
  std::vector<Unknown> unknown_;
  std::vector<std::string> all_paths_;
  std::vector<std::string> conditions_;  // "" for one that holds
};

}  // namespace

void read_fields(const ConfigTree& tree, const Describe& describe,
                 std::vector<std::string>& problems) {
  Reader reader(tree, problems);
  describe(reader);
  reader.finish();
}

}  // namespace icl
