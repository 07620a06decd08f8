// SPDX-License-Identifier: Apache-2.0
#include "tests/house/checks.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string_view>

namespace icl::house {
namespace {

namespace fs = std::filesystem;

// Height of each room; rooms of one height do not see each other.
const std::map<std::string, int, std::less<>>& heights() {
  static const std::map<std::string, int, std::less<>> table = {
      {"base", 0},    {"io", 1},         {"config", 2},  {"tokenizer", 2}, {"solvers", 2},
      {"kernels", 3}, {"ops", 4},        {"tasks", 5},   {"models", 6},    {"language", 7},
      {"runs", 8},    {"evaluation", 9}, {"probing", 9}, {"training", 10}, {"python_runs", 11},
      {"report", 11}, {"cli", 12},       {"apps", 13}};
  return table;
}

bool starts_with_any(std::string_view text, std::initializer_list<std::string_view> prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [&](std::string_view prefix) { return text.starts_with(prefix); });
}

// "src/models/mamba.cpp", "icl/models/mamba.h", "kernels/cpu/x.cpp" -> the room; "" for others.
std::string room_of(std::string_view path) {
  for (std::string_view folder : {"include/icl/", "src/", "icl/"}) {
    if (path.starts_with(folder)) {
      path.remove_prefix(folder.size());
      break;
    }
  }
  const std::string first(path.substr(0, path.find('/')));
  return heights().contains(first) ? first : "";
}

bool is_cpp(std::string_view path) {
  const std::string extension = fs::path(path).extension();
  return extension == ".h" || extension == ".cpp" || extension == ".cu" || extension == ".cuh";
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

// The target of an #include line, without its quotes or brackets; "" for any other line.
std::string include_target(const std::string& line) {
  const size_t hash = line.find_first_not_of(" \t");
  if (hash == std::string::npos || line[hash] != '#') return "";
  const size_t word = line.find_first_not_of(" \t", hash + 1);
  if (word == std::string::npos || line.compare(word, 7, "include") != 0) return "";
  const size_t open = line.find_first_of("\"<", word);
  if (open == std::string::npos) return "";
  const size_t close = line.find_first_of("\">", open + 1);
  return close == std::string::npos ? "" : line.substr(open + 1, close - open - 1);
}

std::string at(const SourceFile& file, size_t line) {
  return file.path + ":" + std::to_string(line + 1) + ": ";
}

bool is_torch(std::string_view target) {
  return starts_with_any(target, {"ATen/", "torch/", "c10/", "caffe2/"});
}

// What is wrong with `file` including `target`, or "".
std::string include_breach(const std::string& path, const std::string& target, bool sees_torch) {
  const std::string room = room_of(path);
  const std::string other = room_of(target);
  if (target == "torch/torch.h" || target == "torch/extension.h") {
    return "<" + target + "> takes long to compile; include the narrow header";
  }
  if (target.starts_with("spdlog/")) {
    if (path != "src/base/log.cpp") return "spdlog is for src/base/log.cpp alone";
    if (sees_torch) return "spdlog and torch bring different versions of fmt";
  }
  if (room == "kernels") {
    if (is_torch(target)) return "kernels see no torch header";
    if (!other.empty() && other != "kernels")
      return "kernels see no room, and " + other + " is one";
  }
  if (room == "tokenizer" && is_torch(target)) return "the tokenizer sees no torch header";
  if (path.starts_with("include/") && starts_with_any(target, {"src/", "kernels/", "tests/"})) {
    return "a public header cannot show a private one";
  }
  if (target.starts_with("tests/")) return "only tests include tests/";
  if (other.empty() || other == room || room.empty()) return "";
  const int here = heights().at(room);
  const int there = heights().at(other);
  if (there > here) return room + " lies below " + other;
  if (there == here) return room + " and " + other + " lie side by side";
  return "";
}

}  // namespace

Breaches room_breaches(const SourceFile& file) {
  Breaches breaches;
  if (!is_cpp(file.path) || room_of(file.path).empty()) return breaches;
  const std::vector<std::string> lines = lines_of(file.text);
  const bool sees_torch = std::any_of(lines.begin(), lines.end(), [](const std::string& line) {
    return is_torch(include_target(line));
  });
  for (size_t i = 0; i < lines.size(); ++i) {
    const std::string target = include_target(lines[i]);
    if (target.empty()) continue;
    const std::string breach = include_breach(file.path, target, sees_torch);
    if (!breach.empty()) breaches.push_back(at(file, i) + breach + " (" + target + ")");
  }
  return breaches;
}

int line_limit_of(const std::string& path) {
  if (!is_cpp(path)) return 0;
  if (path.starts_with("include/")) return 200;
  if (path.starts_with("kernels/")) return 400;
  if (path.starts_with("apps/icl_")) return 80;
  if (path.starts_with("src/") || path.starts_with("apps/")) return 420;
  return 0;
}

Breaches size_breaches(const SourceFile& file) {
  const int limit = line_limit_of(file.path);
  const size_t lines = lines_of(file.text).size();
  if (limit == 0 || lines <= static_cast<size_t>(limit)) return {};
  return {file.path + ": " + std::to_string(lines) + " lines, at most " + std::to_string(limit) +
          "; split it by meaning"};
}

Breaches word_breaches(const SourceFile& file) {
  // This file and its test are the two places that must name the words.
  if (file.path.starts_with("tests/house/")) return {};
  static const std::vector<std::string> words = {
      "TODO",           "FIXME",  "HACK",      "/work/",     "/root/",
      "/home/",         "/opt/",  "pypi.org",  "debian.org", "pythonhosted.org",
      "huggingface.co", "Claude", "anthropic",
  };
  Breaches breaches;
  const std::vector<std::string> lines = lines_of(file.text);
  for (size_t i = 0; i < lines.size(); ++i) {
    for (const std::string& word : words) {
      if (lines[i].find(word) != std::string::npos) {
        breaches.push_back(at(file, i) + "'" + word + "' does not belong here");
      }
    }
  }
  return breaches;
}

Breaches preamble_breaches(const SourceFile& file) {
  const fs::path path(file.path);
  const std::string extension = path.extension();
  if (!is_cpp(file.path) && extension != ".cmake" && extension != ".sh" &&
      path.filename() != "CMakeLists.txt") {
    return {};
  }
  Breaches breaches;
  const std::vector<std::string> lines = lines_of(file.text);
  const size_t first = !lines.empty() && lines[0].starts_with("#!") ? 1 : 0;
  if (lines.size() <= first || !lines[first].ends_with("SPDX-License-Identifier: Apache-2.0")) {
    breaches.push_back(at(file, first) + "expected SPDX-License-Identifier: Apache-2.0");
  }
  // Headers that Highway includes once for each instruction set are named "-inl.h".
  if ((extension == ".h" || extension == ".cuh") && !file.path.ends_with("-inl.h") &&
      std::find(lines.begin(), lines.end(), "#pragma once") == lines.end()) {
    breaches.push_back(at(file, 0) + "expected #pragma once");
  }
  return breaches;
}

// A room that compares the name of a family, a function class, an input distribution or a setting
// knows something that belongs to the record of that kind.
Breaches name_breaches(const SourceFile& file) {
  static const std::regex comparison(
      R"(\b(function|family|distribution|setting|suite)(\.name(\(\))?)?\s*[!=]=\s*(k[A-Z]|"))");
  if (!is_cpp(file.path) || room_of(file.path).empty()) return {};
  Breaches breaches;
  const std::vector<std::string> lines = lines_of(file.text);
  for (size_t i = 0; i < lines.size(); ++i) {
    if (std::regex_search(lines[i], comparison)) {
      breaches.push_back(at(file, i) + "compares a name; ask the record of the kind instead");
    }
  }
  return breaches;
}

// include/icl/models/mamba.h is implemented by src/models/mamba.cpp, or by files whose names begin
// so.
Breaches stem_breaches(const std::vector<SourceFile>& files) {
  // These hold templates and plain structs alone.
  static const std::set<std::string> header_only = {"config/kinds", "config/problems",
                                                    "evaluation/named_table", "report/chart"};
  std::set<std::string> sources;  // "models/mamba", and every folder within a room
  for (const SourceFile& file : files) {
    if (!file.path.starts_with("src/") || !file.path.ends_with(".cpp")) continue;
    const std::string path = file.path.substr(4, file.path.size() - 8);
    const std::string room = path.substr(0, path.find('/'));
    sources.insert(room + path.substr(path.rfind('/')));
    if (path.find('/') != path.rfind('/')) sources.insert(path.substr(0, path.rfind('/')));
  }
  Breaches breaches;
  for (const SourceFile& file : files) {
    if (!file.path.starts_with("include/icl/")) continue;
    const std::string stem = file.path.substr(12, file.path.size() - 14);
    const auto near = sources.lower_bound(stem);
    const bool found = near != sources.end() && (*near == stem || near->starts_with(stem + "_"));
    if (found || header_only.contains(stem)) continue;
    breaches.push_back(file.path + ": no source of the same stem in src/" +
                       stem.substr(0, stem.find('/')));
  }
  return breaches;
}

std::vector<SourceFile> source_tree(const std::string& root) {
  static const std::array tops = {"include", "src",     "kernels",   "apps",           "tests",
                                  "configs", "scripts", "README.md", "CMakeLists.txt", ".ci"};
  static const std::array extensions = {".h",   ".cpp",   ".cu", ".cuh",  ".cmake",
                                        ".txt", ".jsonc", ".sh", ".json", ".md"};
  std::vector<SourceFile> files;
  const auto add = [&](const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    files.push_back({fs::relative(path, root).generic_string(), text.str()});
  };
  for (const char* top : tops) {
    const fs::path path = fs::path(root) / top;
    if (fs::is_regular_file(path)) add(path);
    if (!fs::is_directory(path)) continue;
    for (const auto& entry : fs::recursive_directory_iterator(path)) {
      const std::string extension = entry.path().extension();
      const bool text =
          std::find(extensions.begin(), extensions.end(), extension) != extensions.end();
      if (entry.is_regular_file() && (text || extension.empty())) add(entry.path());
    }
  }
  std::sort(files.begin(), files.end(),
            [](const SourceFile& a, const SourceFile& b) { return a.path < b.path; });
  return files;
}

}  // namespace icl::house
