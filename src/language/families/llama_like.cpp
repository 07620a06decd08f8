// SPDX-License-Identifier: Apache-2.0
#include "src/language/families/llama_like.h"

#include "icl/base/error.h"
#include "icl/models/attention.h"
#include "icl/models/mlp.h"
#include "src/language/rope.h"

namespace icl::language {
namespace {

constexpr Name kLlamaNames[] = {
    {"model.embed_tokens.weight", "embedding.weight"},
    {"model.layers.*.input_layernorm.weight", "backbone.blocks.*.ln_1.weight"},
    {"model.layers.*.self_attn.q_proj.weight", "backbone.blocks.*.attn.q_proj.weight"},
    {"model.layers.*.self_attn.q_proj.bias", "backbone.blocks.*.attn.q_proj.bias"},
    {"model.layers.*.self_attn.q_norm.weight", "backbone.blocks.*.attn.q_norm.weight"},
    {"model.layers.*.self_attn.k_norm.weight", "backbone.blocks.*.attn.k_norm.weight"},
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

// null stands for as many as heads, whatever the default.
int64_t kv_heads_of(const Settings& config, int64_t fallback, int64_t n_head) {
  const int64_t otherwise =
      fallback == 0 || config.is_null("num_key_value_heads") ? n_head : fallback;
  const int64_t count = config.size("num_key_value_heads", otherwise);
  if (n_head % count != 0) {
    config.refuse("num_key_value_heads", str("a divisor of num_attention_heads, ", n_head));
  }
  return count;
}

AttentionOptions attention_of(const Settings& config, const LlamaLike& form, int64_t width,
                              int64_t max_positions, double norm_eps) {
  const int64_t n_head = config.size("num_attention_heads", 32);
  const bool divided = form.d_head == 0 || config.is_null("head_dim");
  if (!config.has("head_dim") && divided && width % n_head != 0) {
    config.refuse("num_attention_heads", str("a divisor of hidden_size, ", width));
  }
  const int64_t d_head = config.size("head_dim", divided ? width / n_head : form.d_head);
  return {.d_model = width,
          .n_head = n_head,
          .n_kv_head = kv_heads_of(config, form.n_kv_head, n_head),
          .d_head = d_head,
          .projection = AttentionOptions::Projection::kSeparate,
          .qkv_bias = form.qkv_bias,
          .out_bias = form.out_bias,
          .rotary = rope_of(config, {.max_positions = max_positions}, d_head),
          .head_norm_eps = form.head_norms ? std::optional(norm_eps) : std::nullopt};
}

}  // namespace

Blueprint llama_like(const Settings& config, const LlamaLike& form) {
  const int64_t width = config.size("hidden_size", 4096);
  const int64_t max_positions = config.size("max_position_embeddings", form.max_positions);
  const double norm_eps = config.number("rms_norm_eps", 1e-6);
  const MlpOptions mlp{.d_model = width,
                       .d_ffn = config.size("intermediate_size", form.d_ffn),
                       .activation = activation_of(config, "hidden_act", "silu"),
                       .gated = true,
                       .bias = form.mlp_bias};
  return {.parts = decoder_parts(
              config, {.family = form.family,
                       .n_layer = config.layers("num_hidden_layers", 32),
                       .vocab_size = form.vocab_size,
                       .context_length = max_positions,
                       .attention = attention_of(config, form, width, max_positions, norm_eps),
                       .mlp = mlp,
                       .norm = Norm::Kind::kRms,
                       .norm_eps = norm_eps,
                       .windows = form.windows}),
          .names = kLlamaNames,
          .prefix = "model."};
}

std::vector<int64_t> qwen_windows(const Settings& config) {
  const bool used = config.flag("use_sliding_window", false) && !config.is_null("sliding_window");
  const int64_t window = used ? config.size("sliding_window", 4096) : 0;
  const int64_t n_layer = config.layers("num_hidden_layers", 32);
  const int64_t first = config.integer("max_window_layers", 28);
  std::vector<int64_t> windows;
  for (int64_t i = 0; i < n_layer; ++i) windows.push_back(i >= first ? window : 0);
  if (!config.has("layer_types")) return windows;

  const nlohmann::json& types = config.json()["layer_types"];
  if (!types.is_array() || types.size() != windows.size()) {
    config.refuse("layer_types", str("a list of ", n_layer, " types"));
  }
  for (size_t i = 0; i < windows.size(); ++i) {
    if (types[i] != "full_attention" && types[i] != "sliding_attention") {
      config.refuse("layer_types", "full_attention or sliding_attention in each layer");
    }
    windows[i] = types[i] == "sliding_attention" ? window : 0;
  }
  return windows;
}

}  // namespace icl::language
