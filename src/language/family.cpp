// SPDX-License-Identifier: Apache-2.0
#include "src/language/family.h"

#include "icl/base/error.h"
#include "icl/base/text.h"

namespace icl::language {
namespace {

// By the model_type of their configs.
constexpr std::pair<const char*, Family> kFamilies[] = {
    {"falcon_mamba", falcon_mamba},
    {"gpt2", gpt2},
    {"gpt_neox", gpt_neox},
    {"gptj", gptj},
    {"llama", llama},
    {"mamba", mamba},
    {"mistral", mistral},
    {"qwen2", qwen2},
    {"qwen3", qwen3},
    {"rwkv", rwkv4},
};

// " ('gptq')": the name that the config gives to its quantisation, or "".
std::string quantization_of(const Settings& config) {
  const nlohmann::json& json = config.json();
  const auto found = json.find("quantization_config");
  const bool named =
      found->is_object() && found->contains("quant_method") && (*found)["quant_method"].is_string();
  return named ? " ('" + (*found)["quant_method"].get<std::string>() + "')" : "";
}

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
  // No "did you mean": programs write this key, so that an unknown type is another architecture.
  const std::string type = config.text("model_type");
  for (const auto& [name, family] : kFamilies) {
    if (type == name) return family(config);
  }
  throw DataError(str(config.where(), ": 'model_type' is '", type,
                      "', which is not supported; supported types: ", join(known)));
}

}  // namespace

const std::vector<Settings::Synonym> kGptSynonyms = {{"hidden_size", "n_embd"},
                                                     {"max_position_embeddings", "n_positions"},
                                                     {"num_attention_heads", "n_head"},
                                                     {"num_hidden_layers", "n_layer"}};

Blueprint blueprint_of(const Settings& config) {
  if (config.has("quantization_config")) {
    throw DataError(str(config.where(), ": 'quantization_config'", quantization_of(config),
                        ": quantised weights are not supported, expected a folder with weights in "
                        "float32, float16 or bfloat16"));
  }
  Blueprint blueprint = described(config);
  blueprint.parts.config = config.json().dump();
  const std::set<std::string>& missing = config.missing_sizes();
  blueprint.missing_sizes.assign(missing.begin(), missing.end());
  return blueprint;
}

LanguageModel::Parts decoder_parts(const Settings& config, const Decoder& decoder) {
  const int64_t width = decoder.attention.d_model;
  const auto norm = [&] { return std::make_shared<Norm>(decoder.norm, width, decoder.norm_eps); };
  std::vector<std::shared_ptr<Block>> blocks;
  for (int64_t i = 0; i < decoder.n_layer; ++i) {
    auto block = std::make_shared<Block>(decoder.placement);
    AttentionOptions attention = decoder.attention;
    if (!decoder.windows.empty()) attention.window = decoder.windows[static_cast<size_t>(i)];
    block->add("ln_1", norm(), "attn", std::make_shared<Attention>(attention));
    const auto mlp = std::make_shared<Mlp>(decoder.mlp);
    decoder.second_norm ? block->add("ln_2", norm(), "mlp", mlp) : block->add("mlp", mlp);
    blocks.push_back(block);
  }
  const int64_t vocab_size = config.size("vocab_size", decoder.vocab_size);
  const Rotary* const rotary = decoder.attention.rotary.get();
  return {.family = decoder.family,
          .backbone = std::make_shared<Backbone>(width, blocks, Backbone::Stages{.norm = norm()}),
          .n_rows = vocab_size,
          .vocab_size = vocab_size,
          .context_length = decoder.context_length,
          .uniform_length = rotary && rotary->options().longer ? rotary->options().longest : 0,
          .tied = config.flag("tie_word_embeddings", false)};
}

Activation activation_of(const Settings& config, const char* key, const std::string& fallback) {
  constexpr Activation kKinds[] = {
      Activation::kGelu,     Activation::kGelu,     Activation::kGeluTanh, Activation::kGeluTanh,
      Activation::kGeluTanh, Activation::kGeluTanh, Activation::kGeluTanh, Activation::kRelu,
      Activation::kSilu,     Activation::kSilu};
  return kKinds[config.choice(
      key, fallback,
      {"gelu", "gelu_python", "gelu_new", "gelu_pytorch_tanh", "gelu_python_tanh", "gelu_fast",
       "gelu_accurate", "relu", "silu", "swish"})];
}

}  // namespace icl::language
