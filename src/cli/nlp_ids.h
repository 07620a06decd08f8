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

// Has products with a single token round alike wherever the weights lie in memory, so that a model
// gives the same logits from every kind of file. Call it before the first product.
void round_alike();

// In the order of the file. Throws DataError naming the sequence and the place in it for what is no
// token of the model, and for sequences that, with `extra` more tokens, exceed its context.
NamedIds read_ids(const std::string& path, const LanguageModel& model, int64_t extra);

}  // namespace icl
