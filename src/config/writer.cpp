// SPDX-License-Identifier: Apache-2.0
#include "icl/config/writer.h"

#include <algorithm>

#include "icl/base/error.h"
#include "icl/base/text.h"

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

 protected:
  void begin_when(bool active, const std::string&) override {
    active_.push_back(active_.back() && active);
  }
  void end_when() override { active_.pop_back(); }
  std::string path_of(const std::string& key) const override { return key; }

  bool enter(const char* key, const char*) override {
    const bool visited = active_.back();
    open_.push_back(visited ? &((*top())[key] = Json::object()) : nullptr);
    return visited;
  }
  int64_t enter_list(const char* key, int64_t count, const char*) override {
    open_.push_back(active_.back() ? &((*top())[key] = Json::array()) : nullptr);
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
    if (active_.back() && top() != nullptr) (*top())[key] = std::move(value);
  }

  Json root_ = Json::object();
  std::vector<Json*> open_;
  std::vector<bool> active_ = {true};
};

// The paths of all keys that may differ when a run is resumed.
class ChangeableKeys : public Fields {
 public:
  std::vector<std::string> finish() { return std::move(found_); }

  void integer(const char* key, int64_t&, Range, const char*) override { note(key); }
  void number(const char* key, double&, Range, const char*) override { note(key); }
  void flag(const char* key, bool&, const char*) override { note(key); }
  void text(const char* key, std::string&, const char*) override { note(key); }
  void choice(const char* key, std::string&, std::vector<std::string>, const char*) override {
    note(key);
  }
  void words(const char* key, std::vector<std::string>&, std::vector<std::string>,
             const char*) override {
    note(key);
  }
  void numbers(const char* key, std::vector<double>&, Range, const char*) override { note(key); }

 protected:
  void begin_when(bool, const std::string&) override {}
  void end_when() override {}
  void begin_may_change() override { ++may_change_; }
  void end_may_change() override { --may_change_; }
  std::string path_of(const std::string& key) const override {
    return path_.empty() ? key : join(path_, ".") + "." + key;
  }
  bool enter(const char* key, const char*) override {
    path_.emplace_back(key);
    return true;
  }
  int64_t enter_list(const char* key, int64_t count, const char*) override {
    note(key);
    path_.emplace_back(key);
    return count;
  }
  bool enter_element(int64_t index) override {
    path_.push_back(std::to_string(index));
    return true;
  }
  void leave() override { path_.pop_back(); }

 private:
  void note(const char* key) {
    if (may_change_ > 0) found_.push_back(path_of(key));
  }

  std::vector<std::string> path_;
  std::vector<std::string> found_;
  int may_change_ = 0;
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

nlohmann::ordered_json write_fields(const Describe& describe) {
  Writer writer;
  describe(writer);
  return writer.finish();
}

std::vector<std::string> keys_that_may_change(const Describe& describe) {
  ChangeableKeys keys;
  describe(keys);
  return keys.finish();
}

std::vector<Difference> differences(const nlohmann::ordered_json& before,
                                    const nlohmann::ordered_json& after) {
  std::vector<Difference> found;
  compare("", &before, &after, found);
  return found;
}

}  // namespace icl
