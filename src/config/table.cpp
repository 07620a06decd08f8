// SPDX-License-Identifier: Apache-2.0
#include "icl/config/table.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <sstream>

#include "icl/base/text.h"
#include "src/config/conditions.h"

namespace icl {
namespace {

using Json = nlohmann::ordered_json;

// The rows of --describe.
class Table : public Fields {
 public:
  void integer(const char* key, int64_t& value, Range range, const char* help) override {
    add(key, "integer", std::to_string(value), range.text(), help);
  }
  void number(const char* key, double& value, Range range, const char* help) override {
    add(key, "number", shortest(value), range.text(), help);
  }
  void flag(const char* key, bool& value, const char* help) override {
    add(key, "flag", value ? "true" : "false", "true, false", help);
  }
  void text(const char* key, std::string& value, const char* help) override {
    add(key, "text", Json(value).dump(), "any", help);
  }
  void choice(const char* key, std::string& value, std::vector<std::string> allowed,
              const char* help) override {
    add(key, "choice", Json(value).dump(), join(allowed), help);
  }
  void words(const char* key, std::vector<std::string>& value, std::vector<std::string> allowed,
             const char* help) override {
    add(key, "list of text", Json(value).dump(), allowed.empty() ? "any" : join(allowed), help);
  }
  void numbers(const char* key, std::vector<double>& value, Range range,
               const char* help) override {
    add(key, "list of numbers", Json(value).dump(), range.text(), help);
  }
  std::string finish() const {
    const std::array<std::string, 5> head = {"key", "type", "default", "range", "meaning"};
    std::array<size_t, 4> widths{};
    for (size_t i = 0; i < 4; ++i) {
      widths[i] = head[i].size();
      for (const auto& row : rows_)
        widths[i] = std::max(widths[i], std::min<size_t>(row[i].size(), 48));
    }
    std::ostringstream out;
    const auto line = [&](const std::array<std::string, 5>& row) {
      for (size_t i = 0; i < 4; ++i) {
        out << row[i] << std::string(row[i].size() < widths[i] ? widths[i] - row[i].size() : 0, ' ')
            << "  ";
      }
      out << row[4] << '\n';
    };
    line(head);
    for (size_t i = 0; i < rows_.size(); ++i) {
      std::array<std::string, 5> row = rows_[i];
      if (!conditions_of_[i].empty()) row[4] += " (only when " + either(conditions_of_[i]) + ")";
      line(row);
    }
    return out.str();
  }

 protected:
  void begin_when(bool, const std::string& condition) override { conditions_.push_back(condition); }
  void end_when() override { conditions_.pop_back(); }
  bool wants_other_kinds() const override { return true; }
  std::string path_of(const std::string& key) const override {
    return path_.empty() ? key : join(path_, ".") + "." + key;
  }
  bool enter(const char* key, const char*) override {
    path_.emplace_back(key);
    return true;
  }
  int64_t enter_list(const char* key, int64_t, const char*) override {
    path_.emplace_back(key);
    return 0;
  }
  bool enter_element(int64_t) override {
    path_.push_back("N");
    return true;
  }
  bool wants_example() const override { return true; }
  void leave() override { path_.pop_back(); }

 private:
  void add(const char* key, const char* type, const std::string& fallback, const std::string& range,
           const std::string& help) {
    const std::array<std::string, 5> row = {path_of(key), type, fallback, range, help};
    const std::string condition = join(conditions_, " and ");
    const auto same = std::find(rows_.begin(), rows_.end(), row);
    if (same == rows_.end()) {
      rows_.push_back(row);
      conditions_of_.emplace_back();
      if (!condition.empty()) conditions_of_.back().push_back(condition);
    } else if (!condition.empty()) {  // a key of several kinds
      conditions_of_[static_cast<size_t>(same - rows_.begin())].push_back(condition);
    }
  }

  std::vector<std::string> path_;
  std::vector<std::array<std::string, 5>> rows_;
  std::vector<std::vector<std::string>> conditions_of_;  // of each row: any of them
  std::vector<std::string> conditions_;                  // in force: all of them
};

}  // namespace

std::string table_of_fields(const Describe& describe) {
  Table table;
  describe(table);
  return table.finish();
}

}  // namespace icl
