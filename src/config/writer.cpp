// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <sstream>

#include "icl/base/error.h"
#include "icl/base/text.h"
#include "icl/config/visitors.h"

namespace icl {
namespace {

using Json = nlohmann::ordered_json;

class Writer : public Fields {
 public:
  Json finish() { return std::move(root_); }

  void integer(const char* key, int64_t& value, Range, const char*) override { put(key, value); }
  void number(const char* key, double& value, Range, const char*) override { put(key, value); }
  void flag(const char* key, bool& value, const char*) override { put(key, value); }
  void text(const char* key, std::string& value, const char*) override { put(key, value); }
  void choice(const char* key, std::string& value, std::vector<std::string>, const char*) override {
    put(key, value);
  }
  void words(const char* key, std::vector<std::string>& value, std::vector<std::string>,
             const char*) override {
    put(key, value);
  }
  void numbers(const char* key, std::vector<double>& value, Range, const char*) override {
    put(key, value);
  }
  void when(bool active, const char*) override { active_ = active; }

 protected:
  bool enter(const char* key, const char*) override {
    const bool visited = active_;
    open_.push_back(visited ? &((*top())[key] = Json::object()) : nullptr);
    return visited;
  }
  int64_t enter_list(const char* key, int64_t count, const char*) override {
    open_.push_back(active_ ? &((*top())[key] = Json::array()) : nullptr);
    return count;
  }
  bool enter_element(int64_t) override {
    Json* list = top();
    if (list != nullptr) list->push_back(Json::object());
    open_.push_back(list == nullptr ? nullptr : &list->back());
    return list != nullptr;
  }
  void leave() override { open_.pop_back(); }

 private:
  Json* top() { return open_.empty() ? &root_ : open_.back(); }
  void put(const char* key, Json value) {
    if (active_ && top() != nullptr) (*top())[key] = std::move(value);
  }

  Json root_ = Json::object();
  std::vector<Json*> open_;
  bool active_ = true;
};

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
  void when(bool, const char* condition) override { condition_ = condition; }

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
    for (const auto& row : rows_) line(row);
    return out.str();
  }

 protected:
  bool enter(const char* key, const char*) override {
    path_.push_back(key);
    return true;
  }
  int64_t enter_list(const char* key, int64_t, const char*) override {
    path_.push_back(key);
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
    std::vector<std::string> path = path_;
    path.emplace_back(key);
    const std::string note = condition_.empty() ? "" : " (only when " + condition_ + ")";
    rows_.push_back({join(path, "."), type, fallback, range, help + note});
  }

  std::vector<std::string> path_;
  std::vector<std::array<std::string, 5>> rows_;
  std::string condition_;
};

void compare(const std::string& path, const Json* before, const Json* after,
             std::vector<Difference>& found) {
  if (before != nullptr && after != nullptr && *before == *after) return;
  const bool groups = (before == nullptr || before->is_object()) &&
                      (after == nullptr || after->is_object()) &&
                      (before != nullptr || after != nullptr);
  if (!groups) {
    found.push_back({path, before == nullptr ? "(absent)" : before->dump(),
                     after == nullptr ? "(absent)" : after->dump()});
    return;
  }
  const auto child = [](const Json* parent, const std::string& key) -> const Json* {
    if (parent == nullptr) return nullptr;
    const auto place = parent->find(key);
    return place == parent->end() ? nullptr : &*place;
  };
  std::vector<std::string> keys;
  for (const Json* side : {before, after}) {
    if (side == nullptr) continue;
    for (const auto& [key, value] : side->items()) {
      if (std::find(keys.begin(), keys.end(), key) == keys.end()) keys.push_back(key);
    }
  }
  for (const std::string& key : keys) {
    compare(path.empty() ? key : path + "." + key, child(before, key), child(after, key), found);
  }
}

}  // namespace

std::string Range::text() const {
  const std::string from = shortest(low);
  const std::string to = shortest(high);
  const bool bounded_low = low > -std::numeric_limits<double>::infinity();
  const bool bounded_high = high < std::numeric_limits<double>::infinity();
  if (bounded_low && bounded_high) return (open_low ? "> " + from + " .. " : from + " .. ") + to;
  if (bounded_low) return (open_low ? "> " : ">= ") + from;
  if (bounded_high) return "<= " + to;
  return "any";
}

nlohmann::ordered_json write_fields(const Describe& describe) {
  Writer writer;
  describe(writer);
  return writer.finish();
}

std::string table_of_fields(const Describe& describe) {
  Table table;
  describe(table);
  return table.finish();
}

std::vector<Difference> differences(const nlohmann::ordered_json& before,
                                    const nlohmann::ordered_json& after) {
  std::vector<Difference> found;
  compare("", &before, &after, found);
  return found;
}

}  // namespace icl
