// SPDX-License-Identifier: Apache-2.0
#include "icl/base/error.h"
#include "icl/models/attention.h"
#include "icl/models/mlp.h"
#include "src/language/family.h"
#include "src/language/rope.h"

namespace icl::language {
namespace {

constexpr Name kLlamaNames[] = {
    {"model.embed_tokens.weight", "embedding.weight"},
    {"model.layers.*.input_layernorm.weight", "backbone.blocks.*.ln_1.weight"},
    {"model.layers.*.self_attn.q_proj.weight", "backbone.blocks.*.attn.q_proj.weight"},
    {"model.layers.*.self_attn.q_proj.bias", "backbone.blocks.*.attn.q_proj.bias"},
    {"model.layers.*.self_attn.k_proj.weight", "backbone.blocks.*.attn.k_proj.weight"},
    {"model.layers.*.self_attn.k_proj.bias", "backbone.blocks.*.attn.k_proj.bias"},
    {"model.layers.*.self_attn.v_proj.weight", "backbone.blocks.*.attn.v_proj.weight"},
    {"model.layers.*.self_attn.v_proj.bias", "backbone.blocks.*.attn.v_proj.bias"},
    {"model.layers.*.self_attn.o_proj.weight", "backbone.blocks.*.attn.c_proj.weight"},
    {"model.layers.*.self_attn.o_proj.bias", "backbone.blocks.*.attn.c_proj.bias"},
    {"model.layers.*.post_attention_layernorm.weight", "backbone.blocks.*.ln_2.weight"},
    {"model.layers.*.mlp.gate_proj.weight", "backbone.blocks.*.mlp.gate.weight"},
    {"model.layers.*.mlp.gate_proj.bias", "backbone.blocks.*.mlp.gate.bias"},
    {"model.layers.*.mlp.up_proj.weight", "backbone.blocks.*.mlp.c_fc.weight"},
    {"model.layers.*.mlp.up_proj.bias", "backbone.blocks.*.mlp.c_fc.bias"},
    {"model.layers.*.mlp.down_proj.weight", "backbone.blocks.*.mlp.c_proj.weight"},
    {"model.layers.*.mlp.down_proj.bias", "backbone.blocks.*.mlp.c_proj.bias"},
    {"model.norm.weight", "backbone.norm.weight"},
    {"lm_head.weight", "head.weight"},
};

constexpr const char* kLlamaIgnored[] = {"model.layers.*.self_attn.rotary_emb.inv_freq",
                                         "model.rotary_emb.inv_freq"};

AttentionOptions attention_of(const Settings& config, int64_t width, int64_t context) {
  const int64_t n_head = config.size("num_attention_heads");
  if (!config.has("head_dim") && width % n_head != 0) {
    config.refuse("num_attention_heads", str("a divisor of hidden_size, ", width));
  }
  const int64_t d_head = config.size("head_dim", width / n_head);
  const int64_t n_kv_head = config.size("num_key_value_heads", n_head);
  if (n_head % n_kv_head != 0) {
    config.refuse("num_key_value_heads", str("a divisor of num_attention_heads, ", n_head));
  }
  const bool bias = config.flag("attention_bias", false);
  return {.d_model = width,
          .n_head = n_head,
          .n_kv_head = n_kv_head,
          .d_head = d_head,
          .projection = AttentionOptions::Projection::kSeparate,
          .qkv_bias = bias,
          .out_bias = bias,
          .rotary = rope_of(
              config,
              {.theta_key = "rope_theta", .share_key = "partial_rotary_factor", .context = context},
              d_head)};
}

}  // namespace

Blueprint llama(const Settings& config) {
  const int64_t width = config.size("hidden_size");
  const int64_t context = config.size("max_position_embeddings", 2048);
  const AttentionOptions attention = attention_of(config, width, context);
  const MlpOptions mlp{.d_model = width,
                       .d_ffn = config.size("intermediate_size"),
                       .activation = activation_of(config, "hidden_act", "silu"),
                       .gated = true,
                       .bias = config.flag("mlp_bias", false)};
  return {.parts = decoder_parts(config, {.family = "llama",
                                          .n_layer = config.layers("num_hidden_layers"),
                                          .context_length = context,
                                          .attention = attention,
                                          .mlp = mlp,
                                          .norm = Norm::Kind::kRms,
                                          .norm_eps = config.number("rms_norm_eps", 1e-6)}),
          .names = kLlamaNames,
          .ignored = kLlamaIgnored,
          .prefix = "model."};
}

}  // namespace icl::language
