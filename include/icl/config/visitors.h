// SPDX-License-Identifier: Apache-2.0
//
// What is made of a struct's describe(): reading, writing, the table of keys, differences.
//
//   TrainingConfig config;
//   std::vector<std::string> problems;
//   read_fields(tree, [&](Fields& f) { config.describe(f); }, problems);
//   nlohmann::ordered_json effective = write_fields([&](Fields& f) { config.describe(f); });
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "icl/config/config_tree.h"
#include "icl/config/fields.h"

namespace icl {

using Describe = std::function<void(Fields&)>;

// Reads every given key, keeps the defaults of the others, and appends one line for each problem:
// where (file:line or --set), the key, what was given, what was expected, and the nearest right
// name.
void read_fields(const ConfigTree& tree, const Describe& describe,
                 std::vector<std::string>& problems);

// All keys that apply, defaults filled in.
nlohmann::ordered_json write_fields(const Describe& describe);

// A table for people: key, type, default, range, meaning (and when the key applies).
std::string table_of_fields(const Describe& describe);

// "training.steps: 1000 -> 2000", one entry for each key that differs.
struct Difference {
  std::string path;
  std::string before;  // JSON, or "(absent)"
  std::string after;
};
std::vector<Difference> differences(const nlohmann::ordered_json& before,
                                    const nlohmann::ordered_json& after);

}  // namespace icl
