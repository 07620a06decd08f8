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

void Gpt2Family::describe(Fields& f) {
  f.integer("n_head", n_head, at_least(1), "attention heads; must divide d_model");
  f.choice("positions", positions, {"none", "learned"}, "position embedding");
  f.integer("n_positions", n_positions, at_least(1), "longest sequence of learned positions");
}

void Gpt2Family::check(const ModelSize& size, Problems& problems) const {
  check_heads(n_head, size, problems);
}

std::optional<SequenceLimit> Gpt2Family::longest_sequence() const {
  if (positions == "none") return std::nullopt;
  return SequenceLimit{n_positions, "n_positions"};
}

std::shared_ptr<Backbone> Gpt2Family::make(const ModelSize& size) const {
  Backbone::Stages stages{.norm = std::make_shared<Norm>(Norm::Kind::kLayer, size.d_model)};
  if (positions == "learned") {
    stages.positions = std::make_shared<Positions>(n_positions, size.d_model);
  }
  return make_stack(size, stages, [&](int64_t) {
    return make_gpt2_block({.d_model = size.d_model, .n_head = n_head});
  });
}

}  // namespace icl
