// SPDX-License-Identifier: Apache-2.0
#include "icl/base/error.h"
#include "icl/models/attention.h"
#include "icl/models/mlp.h"
#include "src/language/family.h"

namespace icl::language {
namespace {

constexpr Name kGptjNames[] = {
    {"transformer.wte.weight", "embedding.weight"},
    {"transformer.h.*.ln_1.weight", "backbone.blocks.*.ln_1.weight"},
    {"transformer.h.*.ln_1.bias", "backbone.blocks.*.ln_1.bias"},
    {"transformer.h.*.attn.q_proj.weight", "backbone.blocks.*.attn.q_proj.weight"},
    {"transformer.h.*.attn.k_proj.weight", "backbone.blocks.*.attn.k_proj.weight"},
    {"transformer.h.*.attn.v_proj.weight", "backbone.blocks.*.attn.v_proj.weight"},
    {"transformer.h.*.attn.out_proj.weight", "backbone.blocks.*.attn.c_proj.weight"},
    {"transformer.h.*.mlp.fc_in.weight", "backbone.blocks.*.mlp.c_fc.weight"},
    {"transformer.h.*.mlp.fc_in.bias", "backbone.blocks.*.mlp.c_fc.bias"},
    {"transformer.h.*.mlp.fc_out.weight", "backbone.blocks.*.mlp.c_proj.weight"},
    {"transformer.h.*.mlp.fc_out.bias", "backbone.blocks.*.mlp.c_proj.bias"},
    {"transformer.ln_f.weight", "backbone.norm.weight"},
    {"transformer.ln_f.bias", "backbone.norm.bias"},
    {"lm_head.weight", "head.weight"},
    {"lm_head.bias", "head.bias"},
};

std::shared_ptr<const Rotary> rotary_of(const Settings& config, int64_t d_head) {
  // Without the key 64 coordinates are turned; null stands for the whole head.
  const int64_t width = config.is_null("rotary_dim") ? d_head : config.size("rotary_dim", 64);
  if (width > d_head || width % 2 != 0) {
    config.refuse("rotary_dim", str("an even number up to the width of a head, ", d_head));
  }
  return std::make_shared<Rotary>(RotaryOptions{.width = width,
                                                .pairs = RotaryOptions::Pairs::kNeighbours,
                                                .frequencies = rotary_frequencies(10000, width)});
}

}  // namespace

Blueprint gptj(const Settings& given) {
  const Settings config = given.with_synonyms(kGptSynonyms);
  const int64_t width = config.size("n_embd", 4096);
  const int64_t n_head = config.size("n_head", 16);
  if (width % n_head != 0) config.refuse("n_head", str("a divisor of n_embd, ", width));
  const AttentionOptions attention{.d_model = width,
                                   .n_head = n_head,
                                   .projection = AttentionOptions::Projection::kSeparate,
                                   .qkv_bias = false,
                                   .out_bias = false,
                                   .rotary = rotary_of(config, width / n_head)};
  const MlpOptions mlp{.d_model = width,
                       .d_ffn = config.size("n_inner", 4 * width),
                       .activation = activation_of(config, "activation_function", "gelu_new")};
  LanguageModel::Parts parts =
      decoder_parts(config, {.family = "gptj",
                             .n_layer = config.layers("n_layer", 28),
                             .vocab_size = 50400,
                             .context_length = config.size("n_positions", 2048),
                             .attention = attention,
                             .mlp = mlp,
                             .norm = Norm::Kind::kLayer,
                             .norm_eps = config.number("layer_norm_epsilon", 1e-5),
                             .placement = Block::Placement::kParallel,
                             .second_norm = false});
  parts.head_bias = true;
  return {.parts = std::move(parts), .names = kGptjNames, .prefix = "transformer."};
}

}  // namespace icl::language
