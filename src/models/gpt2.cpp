// SPDX-License-Identifier: Apache-2.0
#include "icl/models/gpt2.h"

namespace icl {

std::shared_ptr<Block> make_gpt2_block(const Gpt2Options& options) {
  const auto norm = [&] {
    return std::make_shared<Norm>(Norm::Kind::kLayer, options.d_model, options.norm_eps);
  };
  const AttentionOptions attention{
      .d_model = options.d_model, .n_head = options.n_head, .scale = options.attention_scale};
  const MlpOptions mlp{
      .d_model = options.d_model, .d_ffn = options.d_ffn, .activation = options.activation};
  auto block = std::make_shared<Block>();
  block->add("ln_1", norm(), "attn", std::make_shared<Attention>(attention));
  block->add("ln_2", norm(), "mlp", std::make_shared<Mlp>(mlp));
  return block;
}

}  // namespace icl
