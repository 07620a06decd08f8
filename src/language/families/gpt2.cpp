// SPDX-License-Identifier: Apache-2.0
#include "icl/models/gpt2.h"

#include <cmath>

#include "icl/base/error.h"
#include "src/language/family.h"

namespace icl::language {
namespace {

// Its linear maps are stored [in, out].
constexpr Name kGpt2Names[] = {
    {"transformer.wte.weight", "embedding.weight"},
    {"transformer.wpe.weight", "backbone.positions.weight"},
    {"transformer.h.*.ln_1.weight", "backbone.blocks.*.ln_1.weight"},
    {"transformer.h.*.ln_1.bias", "backbone.blocks.*.ln_1.bias"},
    {"transformer.h.*.attn.c_attn.weight", "backbone.blocks.*.attn.c_attn.weight",
     Layout::kTransposed},
    {"transformer.h.*.attn.c_attn.bias", "backbone.blocks.*.attn.c_attn.bias"},
    {"transformer.h.*.attn.c_proj.weight", "backbone.blocks.*.attn.c_proj.weight",
     Layout::kTransposed},
    {"transformer.h.*.attn.c_proj.bias", "backbone.blocks.*.attn.c_proj.bias"},
    {"transformer.h.*.ln_2.weight", "backbone.blocks.*.ln_2.weight"},
    {"transformer.h.*.ln_2.bias", "backbone.blocks.*.ln_2.bias"},
    {"transformer.h.*.mlp.c_fc.weight", "backbone.blocks.*.mlp.c_fc.weight", Layout::kTransposed},
    {"transformer.h.*.mlp.c_fc.bias", "backbone.blocks.*.mlp.c_fc.bias"},
    {"transformer.h.*.mlp.c_proj.weight", "backbone.blocks.*.mlp.c_proj.weight",
     Layout::kTransposed},
    {"transformer.h.*.mlp.c_proj.bias", "backbone.blocks.*.mlp.c_proj.bias"},
    {"transformer.ln_f.weight", "backbone.norm.weight"},
    {"transformer.ln_f.bias", "backbone.norm.bias"},
    {"lm_head.weight", "head.weight"},
};

}  // namespace

Blueprint gpt2(const Settings& given) {
  const Settings config = given.with_synonyms(kGptSynonyms);
  config.expect_flag("add_cross_attention", false, false);
  const int64_t width = config.size("n_embd", 768);
  const int64_t n_head = config.size("n_head", 12);
  if (width % n_head != 0) config.refuse("n_head", str("a divisor of n_embd, ", width));
  const bool scaled = config.flag("scale_attn_weights", true);
  const bool scaled_by_depth = config.flag("scale_attn_by_inverse_layer_idx", false);
  const double root = std::sqrt(static_cast<double>(width / n_head));
  Gpt2Options options{.d_model = width,
                      .n_head = n_head,
                      .d_ffn = config.size("n_inner", 4 * width),
                      .norm_eps = config.number("layer_norm_epsilon", 1e-5),
                      .activation = activation_of(config, "activation_function", "gelu_new")};
  std::vector<std::shared_ptr<Block>> blocks;
  const int64_t n_layer = config.layers("n_layer", 12);
  for (int64_t i = 0; i < n_layer; ++i) {
    options.attention_scale = (scaled ? 1 / root : 1.0) / (scaled_by_depth ? double(i + 1) : 1.0);
    blocks.push_back(make_gpt2_block(options));
  }
  const int64_t n_positions = config.size("n_positions", 1024);
  const Backbone::Stages stages{
      .positions = std::make_shared<Positions>(n_positions, width),
      .norm = std::make_shared<Norm>(Norm::Kind::kLayer, width, options.norm_eps)};
  const int64_t vocab_size = config.size("vocab_size", 50257);
  return {.parts = {.family = "gpt2",
                    .backbone = std::make_shared<Backbone>(width, blocks, stages),
                    .n_rows = vocab_size,
                    .vocab_size = vocab_size,
                    .context_length = n_positions,
                    .learned_positions = true,
                    .tied = config.flag("tie_word_embeddings", true)},
          .names = kGpt2Names,
          .prefix = "transformer."};
}

}  // namespace icl::language
