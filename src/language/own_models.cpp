// SPDX-License-Identifier: Apache-2.0
//
// Language models of icl's own families. Three of these have a published form, a Hugging Face
// folder that other programs read; the models of the others exist in icl alone.
#include <nlohmann/json.hpp>
#include <optional>

#include "icl/language/language_model.h"
#include "icl/models/gpt2.h"
#include "icl/models/mamba.h"
#include "icl/models/rwkv4.h"

namespace icl {
namespace {

using Json = nlohmann::json;

Json published_config(const MambaFamily& family, const ModelConfig& config) {
  const int64_t automatic = (config.d_model + 15) / 16;
  return {{"model_type", "mamba"},
          {"architectures", {"MambaForCausalLM"}},
          {"hidden_size", config.d_model},
          {"num_hidden_layers", config.n_layer},
          {"state_size", family.d_state},
          {"conv_kernel", family.d_conv},
          {"expand", family.expand},
          {"intermediate_size", family.expand * config.d_model},
          {"time_step_rank", family.dt_rank > 0 ? family.dt_rank : automatic},
          {"layer_norm_epsilon", 1e-5},
          {"tie_word_embeddings", true}};
}

Json published_config(const Gpt2Family& family, const ModelConfig& config) {
  return {{"model_type", "gpt2"},
          {"architectures", {"GPT2LMHeadModel"}},
          {"n_embd", config.d_model},
          {"n_layer", config.n_layer},
          {"n_head", family.n_head},
          {"n_positions", family.n_positions},
          {"activation_function", "gelu_new"},
          {"layer_norm_epsilon", 1e-5},
          {"tie_word_embeddings", true}};
}

Json published_config(const Rwkv4Family& family, const ModelConfig& config) {
  return {{"model_type", "rwkv"},
          {"architectures", {"RwkvForCausalLM"}},
          {"hidden_size", config.d_model},
          {"attention_hidden_size", config.d_model},
          {"intermediate_size", family.d_ffn > 0 ? family.d_ffn : 4 * config.d_model},
          {"num_hidden_layers", config.n_layer},
          {"layer_norm_epsilon", 1e-5},
          {"rescale_every", 0},
          {"tie_word_embeddings", false}};
}

// The config.json of the published form; none where a model has no such form.
std::optional<Json> published_config(const ModelConfig& config) {
  if (const auto* mamba = config.family.get_if<MambaFamily>()) {
    return published_config(*mamba, config);
  }
  if (const auto* rwkv4 = config.family.get_if<Rwkv4Family>()) {
    return published_config(*rwkv4, config);
  }
  const auto* gpt2 = config.family.get_if<Gpt2Family>();
  if (gpt2 != nullptr && gpt2->longest_sequence()) return published_config(*gpt2, config);
  return std::nullopt;
}

}  // namespace

bool has_published_form(const ModelConfig& config) {
  return published_config(config).has_value();
}

std::shared_ptr<LanguageModel> make_language_model(const ModelConfig& config, int64_t vocab_size) {
  if (auto json = published_config(config)) {
    (*json)["vocab_size"] = vocab_size;
    (*json)["dtype"] = (*json)["torch_dtype"] = "float32";
    return make_language_model(json->dump());
  }
  const auto limit = config.family->longest_sequence();
  auto model = std::make_shared<LanguageModel>(
      LanguageModel::Parts{.family = config.family.name(),
                           .backbone = config.family->make(config.size()),
                           .n_rows = vocab_size,
                           .vocab_size = vocab_size,
                           .context_length = limit ? limit->tokens : 0,
                           .learned_positions = limit.has_value(),
                           .tied = false});
  model->reset_parameters();
  return model;
}

}  // namespace icl
