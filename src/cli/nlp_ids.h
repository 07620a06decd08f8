// SPDX-License-Identifier: Apache-2.0
//
// Files of token sequences: {"name": [ids], ...}.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "icl/language/language_model.h"

namespace icl {

using NamedIds = std::vector<std::pair<std::string, std::vector<int64_t>>>;

// In the order of the file. Throws DataError naming the sequence and the place in it for what is no
// token of the model, and for sequences that, with `extra` more tokens, exceed its context.
NamedIds read_ids(const std::string& path, const LanguageModel& model, int64_t extra);

}  // namespace icl
