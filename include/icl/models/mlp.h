// SPDX-License-Identifier: Apache-2.0
//
// The MLP of a transformer block, token by token.
//
//   Mlp mlp({.d_model = 64, .activation = Activation::kGelu});
//   at::Tensor y = mlp.forward(x);   // [B, T, 64] -> [B, T, 64]
#pragma once

#include <memory>

#include "icl/models/block.h"

namespace icl {

enum class Activation { kGelu, kGeluTanh, kRelu, kSilu };

struct MlpOptions {
  int64_t d_model = 256;
  int64_t d_ffn = 0;  // 0: 4 * d_model
  Activation activation = Activation::kGeluTanh;
  bool gated = false;
  bool bias = true;
};

// c_proj(act(c_fc x)); gated: c_proj(act(gate x) * c_fc x). No state.
class Mlp : public Mixer {
 public:
  explicit Mlp(const MlpOptions& options);
  void reset_parameters(Depth depth) override;  // as Attention
  at::Tensor forward(const at::Tensor& x_BTM, Slots slots = {}) override;
  std::vector<at::Tensor> initial_state(int64_t) const override { return {}; }
  std::pair<at::Tensor, at::Tensor> branch(const at::Tensor& context_BTM,
                                           const at::Tensor& queries_BQM,
                                           const std::vector<int64_t>& lengths) override;

 private:
  Activation activation_;
  std::shared_ptr<Linear> gate_, c_fc_, c_proj_;  // no gate: null
};

}  // namespace icl
