// SPDX-License-Identifier: Apache-2.0
#include "icl/config/config_tree.h"

#include <algorithm>
#include <set>

#include "icl/base/error.h"
#include "icl/base/text.h"
#include "icl/io/files.h"
#include "json_lines.h"

namespace icl {
namespace {

using Json = nlohmann::ordered_json;

std::string join_path(const std::string& path, const std::string& key) {
  return path.empty() ? key : path + "." + key;
}

// Keys of `from` win; objects are merged, anything else is replaced whole.
void merge_into(Json& into, const Json& from) {
  for (const auto& [key, value] : from.items()) {
    if (value.is_object() && into.contains(key) && into[key].is_object()) {
      merge_into(into[key], value);
    } else {
      into[key] = value;
    }
  }
}

}  // namespace

ConfigTree ConfigTree::from_file(const std::filesystem::path& path) {
  ConfigTree tree;
  std::vector<std::filesystem::path> chain;
  tree.read(path, chain);
  return tree;
}

ConfigTree ConfigTree::from_text(const std::string& text, const std::string& name) {
  ConfigTree tree;
  std::string extends;
  tree.merge(text, name, &extends);
  if (!extends.empty()) throw UsageError(str(name, ": 'extends' needs a config file"));
  return tree;
}

void ConfigTree::read(const std::filesystem::path& path,
                      std::vector<std::filesystem::path>& chain) {
  std::error_code unresolved;  // of a pipe
  std::filesystem::path canonical = std::filesystem::weakly_canonical(path, unresolved);
  if (unresolved) canonical = path;
  const bool cycle = std::find(chain.begin(), chain.end(), canonical) != chain.end();
  chain.push_back(canonical);
  if (cycle) {
    std::vector<std::string> names;
    for (const auto& link : chain) names.push_back(link.string());
    throw UsageError(str("config files extend each other in a cycle: ", join(names, " -> ")));
  }
  std::string text;
  try {
    text = read_file(path);
  } catch (const DataError& error) {
    const std::string why =
        chain.size() > 1 ? " (extended by '" + chain.end()[-2].string() + "')" : "";
    throw UsageError(str(error.what(), why));
  }
  // What this file extends comes first, so that this file's keys win.
  ConfigTree own;
  std::string extends;
  own.merge(text, path.string(), &extends);
  if (!extends.empty()) read(path.parent_path() / extends, chain);
  merge_into(value_, own.value_);
  for (auto& [key, origin] : own.origins_) origins_[key] = origin;
}

void ConfigTree::merge(const std::string& text, const std::string& name, std::string* extends) {
  Json parsed;
  try {
    parsed = Json::parse(text, nullptr, /*allow_exceptions=*/true, /*ignore_comments=*/true);
  } catch (const Json::parse_error& error) {
    const std::string before = text.substr(0, error.byte > 0 ? error.byte - 1 : 0);
    const auto line = 1 + std::count(before.begin(), before.end(), '\n');
    const size_t column = before.size() - (before.rfind('\n') + 1) + 1;
    std::string why = error.what();
    why = why.substr(why.find(": ") == std::string::npos ? 0 : why.find(": ") + 2);
    throw UsageError(str(name, ":", line, ":", column, ": not valid JSON: ", why));
  } catch (const Json::exception& error) {  // a number beyond double's range
    throw UsageError(str(name, ": not valid JSON: ", error.what()));
  }
  if (!parsed.is_object()) throw UsageError(str(name, ": expected a JSON object, { ... }"));
  std::map<std::string, int> first_line;
  for (const KeyLine& key : lines_of_keys(text, name)) {
    const auto [known, fresh] = first_line.emplace(key.path, key.line);
    if (!fresh) {
      throw UsageError(str(name, ":", key.line, ": ", key.path,
                           " is given a second time (first in line ", known->second, ")"));
    }
    origins_[key.path] = str(name, ":", key.line);
  }
  if (const auto found = parsed.find("extends"); found != parsed.end()) {
    if (!found->is_string()) {
      throw UsageError(str(origin("extends"), ": extends: expected the path of a config file"));
    }
    *extends = found->get<std::string>();
    parsed.erase("extends");
  }
  merge_into(value_, parsed);
}

void ConfigTree::set(const std::string& assignment) {
  const size_t equals = assignment.find('=');
  if (equals == std::string::npos || equals == 0) {
    throw UsageError(
        str("--set '", assignment, "': expected path=value, e.g. training.steps=2000"));
  }
  const std::vector<std::string> keys = split(assignment.substr(0, equals), '.');
  const std::string text = assignment.substr(equals + 1);
  Json value = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (value.is_discarded()) value = text;
  Json* node = &value_;
  std::string path;
  for (size_t i = 0; i < keys.size(); ++i) {
    const std::string& key = keys[i];
    path = join_path(path, key);
    const bool last = i + 1 == keys.size();
    const bool index = !key.empty() && key.find_first_not_of("0123456789") == std::string::npos;
    if (node->is_array() && index && key.size() < 6 && std::stoul(key) < node->size()) {
      node = &(*node)[std::stoul(key)];
    } else if (node->is_object() && !key.empty()) {
      if (!last && !node->contains(key)) (*node)[key] = Json::object();
      node = &(*node)[key];
    } else {
      throw UsageError(str("--set '", assignment, "': there is nothing at '", path, "' to set"));
    }
  }
  if (node->is_object() && value.is_object()) {
    merge_into(*node, value);
  } else {
    *node = value;
  }
  origins_[path] = "--set " + assignment;
}

std::string ConfigTree::origin(std::string_view path) const {
  while (true) {
    if (const auto found = origins_.find(path); found != origins_.end()) return found->second;
    const size_t dot = path.rfind('.');
    if (dot == std::string_view::npos) return "";
    path = path.substr(0, dot);
  }
}

}  // namespace icl
