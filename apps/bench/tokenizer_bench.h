// SPDX-License-Identifier: Apache-2.0
//
// The tokenizer's part of icl-bench nlp: what the hand-written split scanners are worth.
#pragma once

#include <nlohmann/json.hpp>

namespace icl {

// Encodes the same text with the split of GPT-2 and of LLaMA-3, once as the hand-written scanner
// finds it and once as Oniguruma does: {"split", "megabytes_per_s", "oniguruma_megabytes_per_s",
// "ratio"} of each. Throws DataError should the ids differ.
nlohmann::ordered_json bench_tokenizer();

}  // namespace icl
