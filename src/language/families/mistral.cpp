// SPDX-License-Identifier: Apache-2.0
//
// Mistral (Jiang et al. 2023): LLaMA with a window of attention in every layer, which null lifts.
#include "src/language/families/llama_like.h"

namespace icl::language {

Blueprint mistral(const Settings& config) {
  const bool windowed = !config.is_null("sliding_window");
  const auto n_layer = static_cast<size_t>(config.layers("num_hidden_layers", 32));
  const int64_t window = windowed ? config.size("sliding_window", 4096) : 0;
  return llama_like(config, {.family = "mistral",
                             .d_ffn = 14336,
                             .n_kv_head = 8,
                             .max_positions = 131072,
                             .windows = std::vector<int64_t>(n_layer, window)});
}

}  // namespace icl::language
