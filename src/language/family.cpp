// SPDX-License-Identifier: Apache-2.0
#include "src/language/family.h"

#include "icl/base/error.h"
#include "icl/base/text.h"

namespace icl::language {
namespace {

// By the model_type of their configs.
constexpr std::pair<const char*, Family> kFamilies[] = {
    {"gpt2", gpt2},   {"gpt_neox", gpt_neox}, {"gptj", gptj},
    {"llama", llama}, {"mamba", mamba},       {"rwkv", rwkv4},
};

Blueprint described(const Settings& config) {
  if (!config.has("model_type") && config.has("d_model") && config.has("n_layer")) {
    return original_mamba(config);
  }
  std::vector<std::string> known;
  for (const auto& [name, family] : kFamilies) known.emplace_back(name);
  if (!config.has("model_type")) {
    config.refuse("model_type", "one of " + join(known) +
                                    " (or d_model and n_layer, as the state-spaces "
                                    "repositories of Mamba have)");
  }
  return kFamilies[config.choice("model_type", "", known)].second(config);
}

}  // namespace

Blueprint blueprint_of(const Settings& config) {
  Blueprint blueprint = described(config);
  blueprint.parts.config = config.json().dump();
  return blueprint;
}

LanguageModel::Parts decoder_parts(const Settings& config, const Decoder& decoder) {
  const int64_t width = decoder.attention.d_model;
  const auto norm = [&] { return std::make_shared<Norm>(decoder.norm, width, decoder.norm_eps); };
  std::vector<std::shared_ptr<Block>> blocks;
  for (int64_t i = 0; i < decoder.n_layer; ++i) {
    auto block = std::make_shared<Block>(decoder.placement);
    block->add("ln_1", norm(), "attn", std::make_shared<Attention>(decoder.attention));
    const auto mlp = std::make_shared<Mlp>(decoder.mlp);
    decoder.second_norm ? block->add("ln_2", norm(), "mlp", mlp) : block->add("mlp", mlp);
    blocks.push_back(block);
  }
  const int64_t vocab_size = config.size("vocab_size");
  return {.family = decoder.family,
          .backbone = std::make_shared<Backbone>(width, blocks, Backbone::Ends{.norm = norm()}),
          .n_rows = vocab_size,
          .vocab_size = vocab_size,
          .context_length = decoder.context_length,
          .tied = config.flag("tie_word_embeddings", false)};
}

Activation activation_of(const Settings& config, const char* key, const std::string& fallback) {
  constexpr Activation kKinds[] = {
      Activation::kGelu, Activation::kGeluTanh, Activation::kGeluTanh, Activation::kGeluTanh,
      Activation::kRelu, Activation::kSilu,     Activation::kSilu};
  return kKinds[config.choice(
      key, fallback,
      {"gelu", "gelu_new", "gelu_pytorch_tanh", "gelu_fast", "relu", "silu", "swish"})];
}

}  // namespace icl::language
