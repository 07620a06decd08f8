// SPDX-License-Identifier: Apache-2.0
//
// Qwen2 and Qwen2.5: LLaMA with biases of queries, keys and values.
#include "src/language/families/llama_like.h"

namespace icl::language {

Blueprint qwen2(const Settings& config) {
  return llama_like(config, {.family = "qwen2",
                             .vocab_size = 151936,
                             .d_ffn = 22016,
                             .n_kv_head = 32,
                             .max_positions = 32768,
                             .qkv_bias = true,
                             .windows = qwen_windows(config)});
}

}  // namespace icl::language
