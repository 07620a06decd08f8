// SPDX-License-Identifier: Apache-2.0
#include "icl/base/error.h"
#include "icl/models/attention.h"
#include "icl/models/mlp.h"
#include "src/language/family.h"
#include "src/language/rope.h"

namespace icl::language {
namespace {

constexpr Name kGptNeoxNames[] = {
    {"gpt_neox.embed_in.weight", "embedding.weight"},
    {"gpt_neox.layers.*.input_layernorm.weight", "backbone.blocks.*.ln_1.weight"},
    {"gpt_neox.layers.*.input_layernorm.bias", "backbone.blocks.*.ln_1.bias"},
    {"gpt_neox.layers.*.attention.query_key_value.weight", "backbone.blocks.*.attn.c_attn.weight"},
    {"gpt_neox.layers.*.attention.query_key_value.bias", "backbone.blocks.*.attn.c_attn.bias"},
    {"gpt_neox.layers.*.attention.dense.weight", "backbone.blocks.*.attn.c_proj.weight"},
    {"gpt_neox.layers.*.attention.dense.bias", "backbone.blocks.*.attn.c_proj.bias"},
    {"gpt_neox.layers.*.post_attention_layernorm.weight", "backbone.blocks.*.ln_2.weight"},
    {"gpt_neox.layers.*.post_attention_layernorm.bias", "backbone.blocks.*.ln_2.bias"},
    {"gpt_neox.layers.*.mlp.dense_h_to_4h.weight", "backbone.blocks.*.mlp.c_fc.weight"},
    {"gpt_neox.layers.*.mlp.dense_h_to_4h.bias", "backbone.blocks.*.mlp.c_fc.bias"},
    {"gpt_neox.layers.*.mlp.dense_4h_to_h.weight", "backbone.blocks.*.mlp.c_proj.weight"},
    {"gpt_neox.layers.*.mlp.dense_4h_to_h.bias", "backbone.blocks.*.mlp.c_proj.bias"},
    {"gpt_neox.final_layer_norm.weight", "backbone.norm.weight"},
    {"gpt_neox.final_layer_norm.bias", "backbone.norm.bias"},
    {"embed_out.weight", "head.weight"},
    {"lm_head.weight", "head.weight"},  // in a state dict of transformers 5
};

}  // namespace

Blueprint gpt_neox(const Settings& config) {
  const int64_t width = config.size("hidden_size", 6144);
  const int64_t n_head = config.size("num_attention_heads", 64);
  if (width % n_head != 0) {
    config.refuse("num_attention_heads", str("a divisor of hidden_size, ", width));
  }
  const int64_t context = config.size("max_position_embeddings", 2048);
  const bool bias = config.flag("attention_bias", true);
  const AttentionOptions attention{
      .d_model = width,
      .n_head = n_head,
      .projection = AttentionOptions::Projection::kPartsByHead,
      .qkv_bias = bias,
      .out_bias = bias,
      .rotary = rope_of(config,
                        {.theta_keys = {"rotary_emb_base", "rope_theta"},
                         .share_keys = {"rotary_pct", "partial_rotary_factor"},
                         .share = 0.25,
                         .max_positions = context},
                        width / n_head)};
  const MlpOptions mlp{.d_model = width,
                       .d_ffn = config.size("intermediate_size", 4 * width),
                       .activation = activation_of(config, "hidden_act", "gelu")};
  return {.parts = decoder_parts(config, {.family = "gpt_neox",
                                          .n_layer = config.layers("num_hidden_layers", 44),
                                          .vocab_size = 50432,
                                          .context_length = context,
                                          .attention = attention,
                                          .mlp = mlp,
                                          .norm = Norm::Kind::kLayer,
                                          .norm_eps = config.number("layer_norm_eps", 1e-5),
                                          .placement = config.flag("use_parallel_residual", true)
                                                           ? Block::Placement::kParallel
                                                           : Block::Placement::kPre}),
          .names = kGptNeoxNames,
          .prefix = "gpt_neox."};
}

}  // namespace icl::language
