// SPDX-License-Identifier: Apache-2.0
//
// A struct as JSON, and what differs between two.
//
//   nlohmann::ordered_json effective = icl::write_fields([&](icl::Fields& f) { config.describe(f);
//   });
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "icl/config/fields.h"

namespace icl {

// All keys that apply, defaults filled in.
nlohmann::ordered_json write_fields(const Describe& describe);

// The paths of the keys listed within Fields::may_change_on_resume().
std::vector<std::string> keys_that_may_change(const Describe& describe);

// "training.steps: 1000 -> 2000", one entry for each key that differs.
struct Difference {
  std::string path;
  std::string before;  // JSON, or "(absent)"
  std::string after;
};
std::vector<Difference> differences(const nlohmann::ordered_json& before,
                                    const nlohmann::ordered_json& after);

}  // namespace icl
