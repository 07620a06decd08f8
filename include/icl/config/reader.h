// SPDX-License-Identifier: Apache-2.0
//
// Reads a config tree into a struct.
//
//   TrainingConfig config;
//   std::vector<std::string> problems;
//   icl::read_fields(tree, [&](icl::Fields& f) { config.describe(f); }, problems);
#pragma once

#include <string>
#include <vector>

#include "icl/config/config_tree.h"
#include "icl/config/fields.h"

namespace icl {

// Reads every given key, keeps the defaults of the others, and appends one line for each problem:
// where (file:line or --set), the key, what was given, what was expected, and the nearest right
// name. A key that an earlier layer gave to another kind than a later layer chose is left behind.
void read_fields(const ConfigTree& tree, const Describe& describe,
                 std::vector<std::string>& problems);

}  // namespace icl
