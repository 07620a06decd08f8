// SPDX-License-Identifier: Apache-2.0
//
// The block of GPT-2 (Radford et al. 2019): causal self-attention and an MLP.
//
//   std::shared_ptr<Block> block = make_gpt2_block({.d_model = 64, .n_head = 2});
#pragma once

#include <memory>
#include <optional>
#include <string>

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

// Blocks of GPT-2, a final LayerNorm, and learned positions if asked for.
struct Gpt2Family {
  static constexpr const char* kName = "gpt2";
  static constexpr const char* kTitle = "GPT-2";
  static constexpr const char* kSummary =
      "GPT-2: causal attention and an MLP (Radford et al. 2019)";
  int64_t n_head = 8;
  std::string positions = "none";  // or "learned"
  int64_t n_positions = 4096;      // of learned positions: the longest sequence in tokens

  void describe(Fields& f);
  void check(const ModelSize& size, Problems& problems) const;
  std::optional<SequenceLimit> longest_sequence() const;
  std::shared_ptr<Backbone> make(const ModelSize& size) const;
};

}  // namespace icl
