// SPDX-License-Identifier: Apache-2.0
//
// Reads a YAML file as JSON values, for configs that other programs wrote.
//
//   const YamlFile config = read_yaml_file("config.yaml");
//   config.value["model"]["n_layer"];       // 12
//   config.lines.at("model.n_layer");       // 7
//
// Plain scalars become null, booleans, integers, numbers or strings by YAML 1.2's core schema;
// quoted ones stay strings. Keys are strings. Tags are ignored, nothing is ever constructed.
#pragma once

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

namespace icl {

struct YamlFile {
  nlohmann::ordered_json value;
  std::map<std::string, int> lines;  // where each dotted path stands, from 1
};

// Throws DataError, with the path and the line, for anything that is not one YAML document, keys
// that come twice or are not words, and values nested deeper than 32 or more than 10,000.
YamlFile read_yaml_file(const std::filesystem::path& path);

}  // namespace icl
