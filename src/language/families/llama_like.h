// SPDX-License-Identifier: Apache-2.0
//
// Decoders in the layout of LLaMA: RMSNorms, rotary positions, grouped heads, a gated MLP. The
// families differ in their defaults, biases, norms of heads and attention windows.
#pragma once

#include "src/language/family.h"

namespace icl::language {

struct LlamaLike {
  const char* family;
  // Sizes where the config has no key for them.
  int64_t vocab_size = 32000;
  int64_t d_ffn = 11008;
  int64_t n_kv_head = 0;  // 0: as many as heads
  int64_t d_head = 0;     // 0: hidden_size / num_attention_heads
  int64_t max_positions = 2048;

  bool qkv_bias = false;
  bool out_bias = false;
  bool mlp_bias = false;
  bool head_norms = false;            // RMSNorms of each head's query and key
  std::vector<int64_t> windows = {};  // as in Decoder
};

Blueprint llama_like(const Settings& config, const LlamaLike& form);

// The windows of Qwen's layers: `use_sliding_window`, `sliding_window`, `max_window_layers` and
// `layer_types`.
std::vector<int64_t> qwen_windows(const Settings& config);

}  // namespace icl::language
