// SPDX-License-Identifier: Apache-2.0
//
// Continuing a sequence by the likeliest token, again and again.
//
//   const LoadedModel loaded = load_language_model("models/pythia-160m");
//   const std::vector<int64_t> ids = {12092, 13};
//   const std::vector<int64_t> added = generate(*loaded.model, ids, 10, loaded.end_tokens);
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "icl/language/language_model.h"

namespace icl {

// The likeliest token of each row of logits [B, V]; the lowest of several. Throws DataError for a
// row that holds NaN or +infinity.
std::vector<int64_t> likeliest(const at::Tensor& logits_BV);

// `count` new tokens after `ids`, through the model's recurrent form; fewer if one of `end_tokens`
// comes, which is then the last. Throws UsageError if ids are empty or out of range, or if ids and
// new tokens are longer than longest_sequence() (the last new token may stand just beyond it).
std::vector<int64_t> generate(LanguageModel& model, const std::vector<int64_t>& ids, int64_t count,
                              std::span<const int64_t> end_tokens = {});

}  // namespace icl
