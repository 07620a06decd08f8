// SPDX-License-Identifier: Apache-2.0
//
// Continuing a sequence by the likeliest token, again and again.
//
//   const std::vector<int64_t> added = generate(*loaded.model, {12092, 13}, 10);
#pragma once

#include <cstdint>
#include <vector>

#include "icl/language/language_model.h"

namespace icl {

// The likeliest token of each row of logits [B, V]; the lowest one of several.
std::vector<int64_t> likeliest(const at::Tensor& logits_BV);

// `count` new tokens after `ids`, through the model's recurrent form. Throws UsageError if ids are
// empty or out of range, or if ids and new tokens exceed the context (the last new one may stand
// just beyond it).
std::vector<int64_t> generate(LanguageModel& model, const std::vector<int64_t>& ids, int64_t count);

}  // namespace icl
