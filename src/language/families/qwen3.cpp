// SPDX-License-Identifier: Apache-2.0
//
// Qwen3: LLaMA whose heads normalise their queries and keys.
#include "src/language/families/llama_like.h"

namespace icl::language {

Blueprint qwen3(const Settings& config) {
  const bool bias = config.flag("attention_bias", false);
  return llama_like(config, {.family = "qwen3",
                             .vocab_size = 151936,
                             .d_ffn = 22016,
                             .n_kv_head = 32,
                             .d_head = 128,
                             .max_positions = 32768,
                             .qkv_bias = bias,
                             .out_bias = bias,
                             .head_norms = true,
                             .windows = qwen_windows(config)});
}

}  // namespace icl::language
