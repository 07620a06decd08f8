// SPDX-License-Identifier: Apache-2.0
#include "icl/models/rwkv4.h"

#include <cmath>

#include "src/language/family.h"

namespace icl::language {
namespace {

constexpr Name kRwkvNames[] = {
    {"rwkv.embeddings.weight", "embedding.weight"},
    {"rwkv.blocks.0.pre_ln.weight", "backbone.input_norm.weight"},
    {"rwkv.blocks.0.pre_ln.bias", "backbone.input_norm.bias"},
    {"rwkv.blocks.*.ln1.weight", "backbone.blocks.*.ln1.weight"},
    {"rwkv.blocks.*.ln1.bias", "backbone.blocks.*.ln1.bias"},
    {"rwkv.blocks.*.ln2.weight", "backbone.blocks.*.ln2.weight"},
    {"rwkv.blocks.*.ln2.bias", "backbone.blocks.*.ln2.bias"},
    {"rwkv.blocks.*.attention.time_decay", "backbone.blocks.*.att.time_decay"},
    {"rwkv.blocks.*.attention.time_first", "backbone.blocks.*.att.time_first"},
    {"rwkv.blocks.*.attention.time_mix_key", "backbone.blocks.*.att.time_mix_k", Layout::kToken},
    {"rwkv.blocks.*.attention.time_mix_value", "backbone.blocks.*.att.time_mix_v", Layout::kToken},
    {"rwkv.blocks.*.attention.time_mix_receptance", "backbone.blocks.*.att.time_mix_r",
     Layout::kToken},
    {"rwkv.blocks.*.attention.key.weight", "backbone.blocks.*.att.key.weight"},
    {"rwkv.blocks.*.attention.value.weight", "backbone.blocks.*.att.value.weight"},
    {"rwkv.blocks.*.attention.receptance.weight", "backbone.blocks.*.att.receptance.weight"},
    {"rwkv.blocks.*.attention.output.weight", "backbone.blocks.*.att.output.weight"},
    {"rwkv.blocks.*.feed_forward.time_mix_key", "backbone.blocks.*.ffn.time_mix_k", Layout::kToken},
    {"rwkv.blocks.*.feed_forward.time_mix_receptance", "backbone.blocks.*.ffn.time_mix_r",
     Layout::kToken},
    {"rwkv.blocks.*.feed_forward.key.weight", "backbone.blocks.*.ffn.key.weight"},
    {"rwkv.blocks.*.feed_forward.receptance.weight", "backbone.blocks.*.ffn.receptance.weight"},
    {"rwkv.blocks.*.feed_forward.value.weight", "backbone.blocks.*.ffn.value.weight"},
    {"rwkv.ln_out.weight", "backbone.norm.weight"},
    {"rwkv.ln_out.bias", "backbone.norm.bias"},
    {"head.weight", "head.weight"},
};

constexpr Name kBlinkNames[] = {
    {"emb.weight", "embedding.weight"},
    {"blocks.0.ln0.weight", "backbone.input_norm.weight"},
    {"blocks.0.ln0.bias", "backbone.input_norm.bias"},
    {"blocks.*.ln1.weight", "backbone.blocks.*.ln1.weight"},
    {"blocks.*.ln1.bias", "backbone.blocks.*.ln1.bias"},
    {"blocks.*.ln2.weight", "backbone.blocks.*.ln2.weight"},
    {"blocks.*.ln2.bias", "backbone.blocks.*.ln2.bias"},
    {"blocks.*.att.time_decay", "backbone.blocks.*.att.time_decay"},
    {"blocks.*.att.time_first", "backbone.blocks.*.att.time_first"},
    {"blocks.*.att.time_mix_k", "backbone.blocks.*.att.time_mix_k", Layout::kToken},
    {"blocks.*.att.time_mix_v", "backbone.blocks.*.att.time_mix_v", Layout::kToken},
    {"blocks.*.att.time_mix_r", "backbone.blocks.*.att.time_mix_r", Layout::kToken},
    {"blocks.*.att.key.weight", "backbone.blocks.*.att.key.weight"},
    {"blocks.*.att.value.weight", "backbone.blocks.*.att.value.weight"},
    {"blocks.*.att.receptance.weight", "backbone.blocks.*.att.receptance.weight"},
    {"blocks.*.att.output.weight", "backbone.blocks.*.att.output.weight"},
    {"blocks.*.ffn.time_mix_k", "backbone.blocks.*.ffn.time_mix_k", Layout::kToken},
    {"blocks.*.ffn.time_mix_r", "backbone.blocks.*.ffn.time_mix_r", Layout::kToken},
    {"blocks.*.ffn.key.weight", "backbone.blocks.*.ffn.key.weight"},
    {"blocks.*.ffn.receptance.weight", "backbone.blocks.*.ffn.receptance.weight"},
    {"blocks.*.ffn.value.weight", "backbone.blocks.*.ffn.value.weight"},
    {"ln_out.weight", "backbone.norm.weight"},
    {"ln_out.bias", "backbone.norm.bias"},
    {"head.weight", "head.weight"},
};

}  // namespace

std::span<const Name> blink_names() {
  return kBlinkNames;
}

Blueprint rwkv4(const Settings& config) {
  const int64_t width = config.size("hidden_size", 4096);
  const double eps = config.number("layer_norm_epsilon", 1e-5);
  const Rwkv4Options options{.d_model = width,
                             .d_attention = config.size("attention_hidden_size", width),
                             .d_ffn = config.size("intermediate_size", 4 * width),
                             .norm_eps = eps};
  // transformers evaluates with the residual stream halved behind every `rescale_every` blocks, and
  // what later blocks add to the stream divided by as much; the file's weights know nothing of it.
  const int64_t period = config.integer("rescale_every", 6);
  std::vector<std::shared_ptr<Block>> blocks;
  const int64_t n_layer = config.layers("num_hidden_layers", 32);
  for (int64_t i = 0; i < n_layer; ++i) {
    blocks.push_back(make_rwkv4_block(options));
    if (period < 1) continue;
    const auto halvings = static_cast<double>(i / period);
    blocks.back()->set_scales(std::exp2(-halvings), (i + 1) % period == 0 ? 0.5 : 1);
  }
  // The last norm's eps is fixed, whatever eps the config gives for the others.
  const Backbone::Stages stages{
      .input_norm = std::make_shared<Norm>(Norm::Kind::kLayer, width, eps),
      .norm = std::make_shared<Norm>(Norm::Kind::kLayer, width, 1e-5)};
  const int64_t vocab_size = config.size("vocab_size", 50277);
  return {.parts = {.family = "rwkv4",
                    .backbone = std::make_shared<Backbone>(width, blocks, stages),
                    .n_rows = vocab_size,
                    .vocab_size = vocab_size,
                    .tied = config.flag("tie_word_embeddings", false)},
          .names = kRwkvNames,
          .prefix = "rwkv."};
}

}  // namespace icl::language
