// SPDX-License-Identifier: Apache-2.0
//
// Conditions of keys, as text for people.
#pragma once

#include <string>
#include <vector>

namespace icl {

// {"model.family is mamba", "model.family is s4"} -> "model.family is mamba or s4"; conditions of
// different subjects are joined by "or".
std::string either(const std::vector<std::string>& conditions);

}  // namespace icl
