// SPDX-License-Identifier: Apache-2.0
//
// The mixers of GPT-2 (Radford et al. 2019): causal self-attention and an MLP.
//
//   Attention attention({.d_model = 64, .n_head = 2});
//   at::Tensor y = attention.forward(x);   // [B, T, 64] -> [B, T, 64]
#pragma once

#include <memory>

#include "icl/models/block.h"

namespace icl {

struct Gpt2Options {
  int64_t d_model = 256;
  int64_t n_head = 8;          // divides d_model
  int64_t d_ffn = 0;           // 0: 4 * d_model
  double norm_eps = 1e-5;      // of both LayerNorms
  double attention_scale = 0;  // 0: 1 / sqrt(d_model / n_head)
};

// Causal softmax attention. State: keys and values [B, H, T, M/H], growing with the tokens seen.
class Attention : public Mixer {
 public:
  explicit Attention(const Gpt2Options& options);
  // N(0, 0.02); c_proj 0.02 / sqrt(2 depth.count); biases zero.
  void reset_parameters(Depth depth) override;
  at::Tensor forward(const at::Tensor& x_BTM, Slots slots = {}) override;
  std::vector<at::Tensor> initial_state(int64_t batch) const override;
  // One masked pass over context and queries together.
  std::pair<at::Tensor, at::Tensor> branch(const at::Tensor& context_BTM,
                                           const at::Tensor& queries_BQM,
                                           const std::vector<int64_t>& lengths) override;

 private:
  struct Heads {
    at::Tensor q, k, v;  // [B, H, T, M/H]
  };
  Heads heads(const at::Tensor& x_BTM) const;
  at::Tensor merge(const at::Tensor& y_BHTd) const;

  int64_t n_head_;
  double scale_;
  std::shared_ptr<Linear> c_attn_, c_proj_;  // [3M, M] (queries, keys, values), [M, M]
};

// c_proj(gelu(c_fc x)) with the tanh form of GELU, token by token: no state.
class Mlp : public Mixer {
 public:
  explicit Mlp(const Gpt2Options& options);
  void reset_parameters(Depth depth) override;  // as Attention
  at::Tensor forward(const at::Tensor& x_BTM, Slots slots = {}) override;
  std::vector<at::Tensor> initial_state(int64_t) const override { return {}; }
  std::pair<at::Tensor, at::Tensor> branch(const at::Tensor& context_BTM,
                                           const at::Tensor& queries_BQM,
                                           const std::vector<int64_t>& lengths) override;

 private:
  std::shared_ptr<Linear> c_fc_, c_proj_;
};

// LayerNorm "ln_1" with Attention "attn", LayerNorm "ln_2" with Mlp "mlp".
std::shared_ptr<Block> make_gpt2_block(const Gpt2Options& options);

}  // namespace icl
