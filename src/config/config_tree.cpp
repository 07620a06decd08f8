// SPDX-License-Identifier: Apache-2.0
#include "icl/config/config_tree.h"

#include <algorithm>
#include <charconv>

#include "icl/base/error.h"
#include "icl/base/text.h"
#include "icl/io/files.h"
#include "icl/io/json.h"

namespace icl {
namespace {

using Json = nlohmann::ordered_json;

std::string join_path(const std::string& path, const std::string& key) {
  return path.empty() ? key : path + "." + key;
}

// A layer of the tree: a JSON object and the line of each of its keys.
struct Layer {
  Json value;
  std::map<std::string, int> lines;
};

Layer parse_layer(const std::string& text, const std::string& name) {
  Layer layer;
  try {
    layer.value = parse_json(text, name, {.comments = true});
  } catch (const DataError& error) {
    throw UsageError(error.what());
  }
  if (!layer.value.is_object()) throw UsageError(str(name, ": expected a JSON object, { ... }"));
  for (const KeyLine& key : lines_of_keys(text)) {
    const auto [known, fresh] = layer.lines.emplace(key.path, key.line);
    if (!fresh) {
      throw UsageError(str(name, ":", key.line, ": ", key.path,
                           " is given a second time (first in line ", known->second, ")"));
    }
  }
  return layer;
}

// Takes `extends` out of the layer: the path it names, or "".
std::string take_extends(Layer& layer, const std::string& name) {
  const auto found = layer.value.find("extends");
  if (found == layer.value.end()) return "";
  if (!found->is_string()) {
    throw UsageError(
        str(name, ":", layer.lines["extends"], ": extends: expected the path of a config file"));
  }
  std::string path = found->get<std::string>();
  layer.value.erase("extends");
  return path;
}

// JSON, or a number as people write it, or else the text itself.
Json value_of(const std::string& text) {
  Json value = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!value.is_discarded()) return value;
  double number = 0;
  const size_t begin = text.starts_with('+') ? 1 : 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data() + begin, end, number);
  const bool plain = text.find_first_not_of("+-.0123456789eE") == std::string::npos;
  if (plain && parsed.ec == std::errc() && parsed.ptr == end) return number;
  return text;
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
  Layer layer = parse_layer(text, name);
  if (!take_extends(layer, name).empty()) {
    throw UsageError(str(name, ": 'extends' needs a config file"));
  }
  tree.merge(tree.value_, layer.value, "",
             [&](const std::string& key) { return str(name, ":", layer.lines[key]); });
  ++tree.layers_;
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
  const std::string name = path.string();
  Layer layer = parse_layer(text, name);
  // The extended file comes first, so that this file's keys win.
  const std::string extends = take_extends(layer, name);
  if (!extends.empty()) read(path.parent_path() / extends, chain);
  merge(value_, layer.value, "",
        [&](const std::string& key) { return str(name, ":", layer.lines[key]); });
  ++layers_;
}

void ConfigTree::merge(Json& into, const Json& from, const std::string& path,
                       const OriginOf& origin_of) {
  for (const auto& [key, value] : from.items()) {
    const std::string inner = join_path(path, key);
    if (value.is_null()) {
      into.erase(key);
      forget(inner);
    } else if (value.is_object() && into.contains(key) && into[key].is_object()) {
      origins_[inner] = {origin_of(inner), layers_};
      merge(into[key], value, inner, origin_of);
    } else {
      replace(into[key], value, inner, origin_of);
    }
  }
}

void ConfigTree::replace(Json& into, const Json& from, const std::string& path,
                         const OriginOf& origin_of) {
  forget(path);
  origins_[path] = {origin_of(path), layers_};
  if (from.is_object()) {
    into = Json::object();
    merge(into, from, path, origin_of);
    return;
  }
  into = from;
  if (!from.is_array()) return;
  for (size_t i = 0; i < from.size(); ++i) {
    replace(into[i], from[i], join_path(path, std::to_string(i)), origin_of);
  }
}

void ConfigTree::forget(const std::string& path) {
  origins_.erase(path);
  const std::string prefix = path + ".";
  auto inner = origins_.lower_bound(prefix);
  while (inner != origins_.end() && inner->first.starts_with(prefix)) inner = origins_.erase(inner);
}

void ConfigTree::set(const std::string& assignment, const std::string& flag) {
  const std::string source = flag.empty() ? "--set " + assignment : flag;
  const size_t equals = assignment.find('=');
  if (equals == std::string::npos || equals == 0) {
    throw UsageError(
        str("--set '", assignment, "': expected path=value, e.g. training.steps=2000"));
  }
  const std::vector<std::string> keys = split(assignment.substr(0, equals), '.');
  const Json value = value_of(assignment.substr(equals + 1));
  Json* node = &value_;
  std::string path;
  for (size_t i = 0; i < keys.size(); ++i) {
    const std::string& key = keys[i];
    path = join_path(path, key);
    const bool last = i + 1 == keys.size();
    const bool index = !key.empty() && key.find_first_not_of("0123456789") == std::string::npos;
    const bool in_list =
        node->is_array() && index && key.size() < 6 && std::stoul(key) < node->size();
    if (!in_list && (!node->is_object() || key.empty())) {
      throw UsageError(str("--set '", assignment, "': there is nothing at '", path, "' to set"));
    }
    if (last && in_list && !value.is_null()) {
      replace((*node)[std::stoul(key)], value, path, [&](const std::string&) { return source; });
    } else if (last) {
      const std::string parent = path.substr(0, path.size() - key.size() - (i > 0 ? 1 : 0));
      merge(*node, Json{{key, value}}, parent, [&](const std::string&) { return source; });
    } else {
      if (node->is_object() && !node->contains(key)) (*node)[key] = Json::object();
      node = in_list ? &(*node)[std::stoul(key)] : &(*node)[key];
    }
  }
  ++layers_;
}

const ConfigTree::Origin* ConfigTree::find(std::string_view path) const {
  while (true) {
    if (const auto found = origins_.find(path); found != origins_.end()) return &found->second;
    const size_t dot = path.rfind('.');
    if (dot == std::string_view::npos) return nullptr;
    path = path.substr(0, dot);
  }
}

std::string ConfigTree::origin(std::string_view path) const {
  const Origin* origin = find(path);
  return origin == nullptr ? "" : origin->text;
}

int ConfigTree::layer(std::string_view path) const {
  const Origin* origin = find(path);
  return origin == nullptr ? -1 : origin->layer;
}

}  // namespace icl
