// SPDX-License-Identifier: Apache-2.0
//
// Config text as written by people: JSON with // comments, `extends`, and `--set path=value`,
// merged into one tree that remembers where every value came from.
//
//   ConfigTree tree = ConfigTree::from_file("configs/quickstart/mamba.json");
//   tree.set("training.steps=2000");
//   tree.origin("training.steps");    // "--set training.steps=2000"
#pragma once

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace icl {

class ConfigTree {
 public:
  ConfigTree() : value_(nlohmann::ordered_json::object()) {}

  // Reads `path` and whatever it extends, nearest file last. Throws UsageError: the file cannot be
  // read or parsed (with line and column), a key comes twice in one object, or `extends` makes a
  // cycle (the chain is named).
  static ConfigTree from_file(const std::filesystem::path& path);
  // The same from memory; `name` stands for the file in messages, and `extends` is refused.
  static ConfigTree from_text(const std::string& text, const std::string& name);

  // "a.b=value": the value is JSON, or else a plain string. Throws UsageError when malformed or
  // when the path leads through something that is not an object.
  void set(const std::string& assignment);

  const nlohmann::ordered_json& value() const { return value_; }
  // "file:line", "--set a.b=c", or "" for a path that was never given. A path that was not given
  // itself answers with its nearest given parent.
  std::string origin(std::string_view path) const;

 private:
  void read(const std::filesystem::path& path, std::vector<std::filesystem::path>& chain);
  void merge(const std::string& text, const std::string& name, std::string* extends);

  nlohmann::ordered_json value_;
  std::map<std::string, std::string, std::less<>> origins_;
};

}  // namespace icl
