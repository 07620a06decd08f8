// SPDX-License-Identifier: Apache-2.0
//
// Lines of the keys in a JSON text, which the JSON library does not tell.
#pragma once

#include <string>
#include <vector>

namespace icl {

struct KeyLine {
  std::string path;  // "training.optimizer.groups.0.lr"
  int line;          // from 1
};

// Every key and list element of a valid JSON text with comments, in order; a key that is given
// twice is listed twice. Throws UsageError, naming `name`, where brackets lie too deep within one
// another for what reads them recursively.
std::vector<KeyLine> lines_of_keys(const std::string& text, const std::string& name);

}  // namespace icl
