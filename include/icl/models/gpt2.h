// SPDX-License-Identifier: Apache-2.0
//
// The block of GPT-2 (Radford et al. 2019): causal self-attention and an MLP.
//
//   std::shared_ptr<Block> block = make_gpt2_block({.d_model = 64, .n_head = 2});
#pragma once

#include <memory>

#include "icl/models/attention.h"
#include "icl/models/mlp.h"

namespace icl {

struct Gpt2Options {
  int64_t d_model = 256;
  int64_t n_head = 8;          // divides d_model
  int64_t d_ffn = 0;           // 0: 4 * d_model
  double norm_eps = 1e-5;      // of both LayerNorms
  double attention_scale = 0;  // 0: 1 / sqrt(d_model / n_head)
  Activation activation = Activation::kGeluTanh;
};

// LayerNorm "ln_1" with Attention "attn", LayerNorm "ln_2" with Mlp "mlp".
std::shared_ptr<Block> make_gpt2_block(const Gpt2Options& options);

}  // namespace icl
