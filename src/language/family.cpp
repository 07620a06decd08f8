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

Activation activation_of(const Settings& config, const char* key, const std::string& fallback) {
  constexpr Activation kKinds[] = {
      Activation::kGelu, Activation::kGeluTanh, Activation::kGeluTanh, Activation::kGeluTanh,
      Activation::kRelu, Activation::kSilu,     Activation::kSilu};
  return kKinds[config.choice(
      key, fallback,
      {"gelu", "gelu_new", "gelu_pytorch_tanh", "gelu_fast", "relu", "silu", "swish"})];
}

}  // namespace icl::language
