// SPDX-License-Identifier: Apache-2.0
//
// Small word lists of our own for the mapping tasks, so that they run without any data.
//
//   const std::vector<WordPair> pairs = built_in_pairs("country_capital");   // France -> Paris,
//   ...
#pragma once

#include <string>
#include <vector>

#include "icl/language/tasks.h"

namespace icl {

// Pairs with distinct inputs, in a fixed order; empty for a task that has no list.
std::vector<WordPair> built_in_pairs(const std::string& task);

}  // namespace icl
