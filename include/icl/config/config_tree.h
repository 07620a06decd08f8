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
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace icl {

class ConfigTree {
 public:
  ConfigTree() : value_(nlohmann::ordered_json::object()) {}

  // Reads `path` and the files that it extends, nearest file last. Throws UsageError: a file cannot
  // be read or parsed (with line and column), a key is given twice in one object, or `extends`
  // makes a cycle (the chain is named).
  static ConfigTree from_file(const std::filesystem::path& path);
  // The same from memory; `name` stands for the file in messages, and `extends` is refused.
  static ConfigTree from_text(const std::string& text, const std::string& name);

  // "a.b=value": the value is JSON, a number (".5", "1.", "+3" too), or else a plain string; null
  // removes the key, so that its default holds. `flag` is how messages name the assignment, by
  // default
  // "--set a.b=value". Throws UsageError for a malformed assignment and for a path that leads
  // through a value that is not an object.
  void set(const std::string& assignment, const std::string& flag = "");

  const nlohmann::ordered_json& value() const { return value_; }
  // "file:line", "--set a.b=c", or "" for a path that was never given. A path that was not given
  // itself answers with its nearest given parent.
  std::string origin(std::string_view path) const;
  // Which layer the value of `path` comes from: files in the order of reading, then assignments,
  // from 0; -1 for a path that was never given.
  int layer(std::string_view path) const;

 private:
  struct Origin {
    std::string text;
    int layer;
  };
  using OriginOf = std::function<std::string(const std::string& path)>;

  void read(const std::filesystem::path& path, std::vector<std::filesystem::path>& chain);
  // Keys of `from` win: objects are merged, null removes, anything else replaces the value whole.
  void merge(nlohmann::ordered_json& into, const nlohmann::ordered_json& from,
             const std::string& path, const OriginOf& origin_of);
  void replace(nlohmann::ordered_json& into, const nlohmann::ordered_json& from,
               const std::string& path, const OriginOf& origin_of);
  void forget(const std::string& path);
  const Origin* find(std::string_view path) const;

  nlohmann::ordered_json value_;
  std::map<std::string, Origin, std::less<>> origins_;
  int layers_ = 0;
};

}  // namespace icl
