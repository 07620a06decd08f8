// SPDX-License-Identifier: Apache-2.0
//
// Small random models of every family, as folders of the Hugging Face hub.
//
//   const HubModel model = random_model("gpt_neox");
//   write_model(folder / "neox", model);                                   // float32 safetensors
//   write_model(folder / "half", model, {.container = Container::kPickleShards, .type =
//   at::kHalf});
#pragma once

#include <ATen/ATen.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "icl/io/safetensors.h"
#include "tests/support/torch_file.h"

namespace icl::testing {

using TensorsByName = std::map<std::string, at::Tensor>;

struct HubModel {
  std::string name;  // of the variant
  nlohmann::json config;
  TensorsByName tensors;  // as the file calls them
  TensorsByName plain;    // with the names and shapes of the transformers library
};

// Draws tensors from ATen's default generator.
class TensorMaker {
 public:
  void matrix(const std::string& name, int64_t rows, int64_t columns, double gain = 1) {
    tensors[name] = at::randn({rows, columns}) * (gain / std::sqrt(static_cast<double>(columns)));
  }
  void vector(const std::string& name, int64_t size, double mean = 0, double deviation = 0.3) {
    tensors[name] = mean + deviation * at::randn({size});
  }
  void linear(const std::string& name, int64_t out, int64_t in, bool bias) {
    matrix(name + ".weight", out, in);
    if (bias) vector(name + ".bias", out);
  }
  void layer_norm(const std::string& name, int64_t size) {
    vector(name + ".weight", size, 1);
    vector(name + ".bias", size);
  }

  TensorsByName tensors;
};

inline int64_t get(const nlohmann::json& config, const char* key) {
  return config.at(key).get<int64_t>();
}
inline int64_t get(const nlohmann::json& config, const char* key, int64_t fallback) {
  return config.contains(key) && !config[key].is_null() ? get(config, key) : fallback;
}
inline bool flag(const nlohmann::json& config, const char* key, bool fallback) {
  return config.value(key, fallback);
}

inline TensorsByName mamba_tensors(const nlohmann::json& config) {
  TensorMaker make;
  const int64_t width = get(config, "hidden_size");
  const int64_t inner = get(config, "intermediate_size", get(config, "expand", 2) * width);
  const int64_t n_state = get(config, "state_size", 16), window = get(config, "conv_kernel", 4);
  const bool automatic = config.value("time_step_rank", nlohmann::json("auto")).is_string();
  const int64_t rank = automatic ? (width + 15) / 16 : get(config, "time_step_rank");
  make.matrix("backbone.embeddings.weight", get(config, "vocab_size"), width, 3);
  for (int64_t i = 0; i < get(config, "num_hidden_layers"); ++i) {
    const std::string layer = "backbone.layers." + std::to_string(i) + ".";
    const bool bias = flag(config, "use_bias", false);
    make.vector(layer + "norm.weight", width, 1);
    make.linear(layer + "mixer.in_proj", 2 * inner, width, bias);
    make.tensors[layer + "mixer.conv1d.weight"] = 0.5 * at::randn({inner, 1, window});
    if (flag(config, "use_conv_bias", true)) make.vector(layer + "mixer.conv1d.bias", inner);
    make.matrix(layer + "mixer.x_proj.weight", rank + 2 * n_state, inner);
    make.linear(layer + "mixer.dt_proj", inner, rank, true);
    make.tensors[layer + "mixer.A_log"] =
        at::log(at::arange(1, n_state + 1, at::kFloat)) + 0.1 * at::randn({inner, n_state});
    make.vector(layer + "mixer.D", inner, 1);
    make.linear(layer + "mixer.out_proj", width, inner, bias);
  }
  make.vector("backbone.norm_f.weight", width, 1);
  if (!flag(config, "tie_word_embeddings", true)) {
    make.matrix("lm_head.weight", get(config, "vocab_size"), width);
  }
  return make.tensors;
}

inline TensorsByName rwkv_tensors(const nlohmann::json& config) {
  TensorMaker make;
  const int64_t width = get(config, "hidden_size");
  const int64_t attention = get(config, "attention_hidden_size", width);
  const int64_t inner = get(config, "intermediate_size", 4 * width);
  const auto mix = [&](const std::string& name) { make.tensors[name] = at::rand({1, 1, width}); };
  make.matrix("rwkv.embeddings.weight", get(config, "vocab_size"), width, 3);
  make.layer_norm("rwkv.blocks.0.pre_ln", width);
  for (int64_t i = 0; i < get(config, "num_hidden_layers"); ++i) {
    const std::string block = "rwkv.blocks." + std::to_string(i) + ".";
    make.layer_norm(block + "ln1", width);
    make.layer_norm(block + "ln2", width);
    make.tensors[block + "attention.time_decay"] = -5 + 6 * at::rand({attention});
    make.vector(block + "attention.time_first", attention);
    for (const char* part : {"key", "value", "receptance"}) {
      mix(block + "attention.time_mix_" + part);
      make.matrix(block + "attention." + part + ".weight", attention, width);
    }
    make.matrix(block + "attention.output.weight", width, attention);
    mix(block + "feed_forward.time_mix_key");
    mix(block + "feed_forward.time_mix_receptance");
    make.matrix(block + "feed_forward.key.weight", inner, width);
    make.matrix(block + "feed_forward.receptance.weight", width, width);
    make.matrix(block + "feed_forward.value.weight", width, inner);
  }
  make.layer_norm("rwkv.ln_out", width);
  if (!flag(config, "tie_word_embeddings", false)) {
    make.matrix("head.weight", get(config, "vocab_size"), width);
  }
  return make.tensors;
}

inline TensorsByName gpt2_tensors(const nlohmann::json& config) {
  TensorMaker make;
  const int64_t width = get(config, "n_embd"), inner = get(config, "n_inner", 4 * width);
  make.matrix("transformer.wte.weight", get(config, "vocab_size"), width, 3);
  make.matrix("transformer.wpe.weight", get(config, "n_positions", 1024), width);
  const auto stored = [&](const std::string& name, int64_t in, int64_t out) {
    make.matrix(name + ".weight", in, out);
    make.vector(name + ".bias", out);
  };
  for (int64_t i = 0; i < get(config, "n_layer"); ++i) {
    const std::string block = "transformer.h." + std::to_string(i) + ".";
    make.layer_norm(block + "ln_1", width);
    stored(block + "attn.c_attn", width, 3 * width);
    stored(block + "attn.c_proj", width, width);
    make.layer_norm(block + "ln_2", width);
    stored(block + "mlp.c_fc", width, inner);
    stored(block + "mlp.c_proj", inner, width);
  }
  make.layer_norm("transformer.ln_f", width);
  if (!flag(config, "tie_word_embeddings", true)) {
    make.matrix("lm_head.weight", get(config, "vocab_size"), width);
  }
  return make.tensors;
}

inline TensorsByName gpt_neox_tensors(const nlohmann::json& config) {
  TensorMaker make;
  const int64_t width = get(config, "hidden_size"), inner = get(config, "intermediate_size");
  const bool bias = flag(config, "attention_bias", true);
  make.matrix("gpt_neox.embed_in.weight", get(config, "vocab_size"), width, 3);
  for (int64_t i = 0; i < get(config, "num_hidden_layers"); ++i) {
    const std::string layer = "gpt_neox.layers." + std::to_string(i) + ".";
    make.layer_norm(layer + "input_layernorm", width);
    make.layer_norm(layer + "post_attention_layernorm", width);
    make.linear(layer + "attention.query_key_value", 3 * width, width, bias);
    make.linear(layer + "attention.dense", width, width, bias);
    make.linear(layer + "mlp.dense_h_to_4h", inner, width, true);
    make.linear(layer + "mlp.dense_4h_to_h", width, inner, true);
  }
  make.layer_norm("gpt_neox.final_layer_norm", width);
  if (!flag(config, "tie_word_embeddings", false)) {
    make.matrix("embed_out.weight", get(config, "vocab_size"), width);
  }
  return make.tensors;
}

inline TensorsByName gptj_tensors(const nlohmann::json& config) {
  TensorMaker make;
  const int64_t width = get(config, "n_embd"), inner = get(config, "n_inner", 4 * width);
  make.matrix("transformer.wte.weight", get(config, "vocab_size"), width, 3);
  for (int64_t i = 0; i < get(config, "n_layer"); ++i) {
    const std::string block = "transformer.h." + std::to_string(i) + ".";
    make.layer_norm(block + "ln_1", width);
    for (const char* part : {"q_proj", "k_proj", "v_proj", "out_proj"}) {
      make.linear(block + "attn." + part, width, width, false);
    }
    make.linear(block + "mlp.fc_in", inner, width, true);
    make.linear(block + "mlp.fc_out", width, inner, true);
  }
  make.layer_norm("transformer.ln_f", width);
  make.linear("lm_head", get(config, "vocab_size"), width, true);
  return make.tensors;
}

inline TensorsByName llama_tensors(const nlohmann::json& config) {
  TensorMaker make;
  const int64_t width = get(config, "hidden_size"), inner = get(config, "intermediate_size");
  const int64_t n_head = get(config, "num_attention_heads");
  const int64_t n_kv_head = get(config, "num_key_value_heads", n_head);
  const int64_t d_head = get(config, "head_dim", width / n_head);
  const bool qwen2 = config.at("model_type") == "qwen2", qwen3 = config["model_type"] == "qwen3";
  const bool out_bias = flag(config, "attention_bias", false), bias = out_bias || qwen2;
  const bool mlp = flag(config, "mlp_bias", false);
  make.matrix("model.embed_tokens.weight", get(config, "vocab_size"), width, 3);
  for (int64_t i = 0; i < get(config, "num_hidden_layers"); ++i) {
    const std::string layer = "model.layers." + std::to_string(i) + ".";
    make.vector(layer + "input_layernorm.weight", width, 1);
    make.vector(layer + "post_attention_layernorm.weight", width, 1);
    make.linear(layer + "self_attn.q_proj", n_head * d_head, width, bias);
    make.linear(layer + "self_attn.k_proj", n_kv_head * d_head, width, bias);
    make.linear(layer + "self_attn.v_proj", n_kv_head * d_head, width, bias);
    make.linear(layer + "self_attn.o_proj", width, n_head * d_head, out_bias);
    if (qwen3) make.vector(layer + "self_attn.q_norm.weight", d_head, 1);
    if (qwen3) make.vector(layer + "self_attn.k_norm.weight", d_head, 1);
    make.linear(layer + "mlp.gate_proj", inner, width, mlp);
    make.linear(layer + "mlp.up_proj", inner, width, mlp);
    make.linear(layer + "mlp.down_proj", width, inner, mlp);
  }
  make.vector("model.norm.weight", width, 1);
  if (!flag(config, "tie_word_embeddings", false)) {
    make.matrix("lm_head.weight", get(config, "vocab_size"), width);
  }
  return make.tensors;
}

inline TensorsByName random_tensors(const nlohmann::json& config) {
  const std::string type = config.at("model_type");
  if (type == "mamba" || type == "falcon_mamba") return mamba_tensors(config);
  if (type == "rwkv") return rwkv_tensors(config);
  if (type == "gpt2") return gpt2_tensors(config);
  if (type == "gpt_neox") return gpt_neox_tensors(config);
  if (type == "gptj") return gptj_tensors(config);
  return llama_tensors(config);
}

// A small config of a family, with these settings put into it.
inline nlohmann::json small_config(const std::string& type, const nlohmann::json& settings = {}) {
  nlohmann::json config = {{"model_type", type}, {"vocab_size", 41}};
  if (type == "gpt2" || type == "gptj") {
    config.update({{"n_embd", 24}, {"n_layer", 3}, {"n_head", 4}, {"n_positions", 40}});
  } else {
    config.update({{"hidden_size", 24}, {"num_hidden_layers", 3}});
  }
  if (type == "qwen3") config["head_dim"] = 6;
  if (type == "gptj") config["rotary_dim"] = 4;
  if (type == "gpt_neox") {
    config.update({{"num_attention_heads", 3},
                   {"intermediate_size", 60},
                   {"rotary_pct", 0.5},
                   {"max_position_embeddings", 40}});
  }
  if (type == "llama" || type == "mistral" || type == "qwen2" || type == "qwen3") {
    config.update({{"num_attention_heads", 4},
                   {"num_key_value_heads", 4},
                   {"intermediate_size", 50},
                   {"rms_norm_eps", 1e-5},
                   {"max_position_embeddings", 40}});
  }
  if (settings.is_object()) config.update(settings);
  return config;
}

inline HubModel random_model(const std::string& type, const nlohmann::json& settings = {},
                             const std::string& name = "") {
  at::manual_seed(11);
  HubModel model{name.empty() ? type : name, small_config(type, settings), {}, {}};
  model.tensors = model.plain = random_tensors(model.config);
  return model;
}

inline std::string replaced(std::string text, const std::string& from, const std::string& to) {
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
  return text;
}

// The layout of the state-spaces repositories: 37 tokens in rows padded to a multiple of 8.
inline HubModel random_original_mamba() {
  HubModel model = random_model("mamba", {{"vocab_size", 40}}, "mamba_original");
  model.config = {{"d_model", 24},          {"n_layer", 3},
                  {"vocab_size", 37},       {"ssm_cfg", {{"d_conv", 4}}},
                  {"rms_norm", true},       {"residual_in_fp32", true},
                  {"fused_add_norm", true}, {"pad_vocab_size_multiple", 8}};
  auto embedding = model.tensors.extract("backbone.embeddings.weight");
  model.tensors["lm_head.weight"] = embedding.mapped();
  embedding.key() = "backbone.embedding.weight";
  model.tensors.insert(std::move(embedding));
  return model;
}

// BlinkDL's names, without a config.
inline HubModel random_blink() {
  HubModel model = random_model("rwkv", {{"intermediate_size", 60}}, "rwkv_blink");
  model.config = nullptr;
  model.tensors.clear();
  for (const auto& [name, tensor] : model.plain) {
    std::string own = replaced(replaced(name, "rwkv.", ""), "embeddings", "emb");
    own = replaced(replaced(own, "pre_ln", "ln0"), "attention", "att");
    own = replaced(own, "feed_forward", "ffn");
    for (const char* part : {"key", "value", "receptance"}) {
      own = replaced(own, std::string("time_mix_") + part, std::string("time_mix_") + part[0]);
    }
    model.tensors[own] = tensor;
  }
  return model;
}

// As the hub's gpt2: no prefix, no head, masks as constants.
inline HubModel random_hub_gpt2() {
  HubModel model = random_model("gpt2", {}, "gpt2_hub");
  model.tensors.clear();
  for (const auto& [name, tensor] : model.plain) {
    model.tensors[replaced(name, "transformer.", "")] = tensor;
  }
  for (int64_t i = 0; i < 3; ++i) {
    model.tensors["h." + std::to_string(i) + ".attn.bias"] = at::ones({1, 1, 40, 40}).tril();
  }
  return model;
}

// As torch.save writes it in transformers 5: the head under its own name.
inline HubModel random_saved_gpt_neox() {
  HubModel model = random_model("gpt_neox", {}, "gpt_neox_saved");
  auto head = model.tensors.extract("embed_out.weight");
  head.key() = "lm_head.weight";
  model.tensors.insert(std::move(head));
  return model;
}

// Every family in every form of its config.
inline std::vector<HubModel> random_models() {
  using nlohmann::json;
  const json llama3 = {{"rope_type", "llama3"},
                       {"factor", 8.0},
                       {"low_freq_factor", 1.0},
                       {"high_freq_factor", 4.0},
                       {"original_max_position_embeddings", 16}};
  json llama3_newer = llama3;
  llama3_newer["rope_theta"] = 500.0;
  HubModel masks = random_model("gpt_neox", {}, "gpt_neox_masks");
  masks.tensors["gpt_neox.layers.1.attention.bias"] = at::ones({1, 1, 4, 4}, at::kByte);
  masks.tensors["gpt_neox.layers.1.attention.masked_bias"] = at::full({}, -1e9);
  masks.tensors["gpt_neox.layers.1.attention.rotary_emb.inv_freq"] = at::ones({2});
  const json factors = {1.0, 1.1, 1.3}, long_factors = {2.0, 4.0, 8.0};
  return {
      random_model("mamba"),
      random_model("mamba", {{"intermediate_size", 40}}, "mamba_inner"),
      random_model("falcon_mamba", {{"mixer_rms_eps", 1e-3}}),
      random_model("mamba",
                   {{"use_bias", true},
                    {"use_conv_bias", false},
                    {"time_step_rank", 3},
                    {"conv_kernel", 3},
                    {"expand", 3},
                    {"state_size", 5},
                    {"tie_word_embeddings", false},
                    {"dtype", "float32"}},
                   "mamba_untied"),
      random_original_mamba(),
      random_model("rwkv"),
      random_model("rwkv",
                   {{"attention_hidden_size", 16},
                    {"intermediate_size", 50},
                    {"layer_norm_epsilon", 1e-3},
                    {"rescale_every", 6}},
                   "rwkv_widths"),
      random_model("rwkv", {{"rescale_every", 1}}, "rwkv_rescaled"),
      random_model("rwkv", {{"tie_word_embeddings", true}, {"rescale_every", 0}}, "rwkv_tied"),
      random_blink(),
      masks,
      random_saved_gpt_neox(),
      random_model(
          "gpt_neox",
          {{"use_parallel_residual", false},
           {"attention_bias", false},
           {"dtype", "float32"},
           {"rope_parameters",
            {{"rope_theta", 700.0}, {"partial_rotary_factor", 0.25}, {"rope_type", "default"}}}},
          "gpt_neox_serial"),
      random_model("gpt_neox",
                   {{"rotary_emb_base", 100},
                    {"hidden_act", "gelu_new"},
                    {"tie_word_embeddings", true},
                    {"rope_scaling", {{"type", "linear"}, {"factor", 4.0}}}},
                   "gpt_neox_linear"),
      random_model("gpt2"),
      random_hub_gpt2(),
      random_model("gpt2",
                   {{"n_inner", 40},
                    {"scale_attn_by_inverse_layer_idx", true},
                    {"activation_function", "relu"},
                    {"tie_word_embeddings", false}},
                   "gpt2_untied"),
      random_model("gptj"),
      random_model("llama"),
      random_model("llama",
                   {{"num_key_value_heads", 2},
                    {"head_dim", 10},
                    {"attention_bias", true},
                    {"mlp_bias", true},
                    {"rope_theta", 500.0},
                    {"rope_scaling", llama3}},
                   "llama_grouped"),
      random_model("llama",
                   {{"num_key_value_heads", 1},
                    {"tie_word_embeddings", true},
                    {"rope_parameters", llama3_newer}},
                   "llama_newer"),
      random_model(
          "llama",
          {{"rope_theta", 500.0}, {"rope_parameters", {{"rope_type", "linear"}, {"factor", 2.0}}}},
          "llama_spread"),
      random_model("llama",
                   {{"rope_theta", 100.0},
                    {"rope_scaling",
                     {{"rope_type", "yarn"},
                      {"factor", 4.0},
                      {"original_max_position_embeddings", 10},
                      {"beta_fast", 4}}}},
                   "llama_yarn"),
      random_model("llama",
                   {{"head_dim", 16},
                    {"rope_parameters",
                     {{"rope_type", "yarn"},
                      {"rope_theta", 20000.0},
                      {"factor", 8.0},
                      {"original_max_position_embeddings", 16},
                      {"mscale", 0.7},
                      {"mscale_all_dim", 0.3},
                      {"truncate", false}}}},
                   "llama_yarn_mscale"),
      random_model(
          "llama",
          {{"rope_scaling",
            {{"type", "longrope"}, {"short_factor", factors}, {"long_factor", long_factors}}},
           {"original_max_position_embeddings", 30}},
          "llama_longrope"),
      random_model("llama", {{"rope_scaling", {{"type", "dynamic"}, {"factor", 2.0}}}},
                   "llama_dynamic"),
      random_model("mistral", {{"num_key_value_heads", 2}, {"sliding_window", 7}}),
      random_model("mistral", {{"sliding_window", nullptr}}, "mistral_whole"),
      random_model("qwen2", {{"tie_word_embeddings", true}, {"rope_theta", 300.0}}),
      random_model("qwen2",
                   {{"use_sliding_window", true}, {"sliding_window", 6}, {"max_window_layers", 1}},
                   "qwen2_windows"),
      random_model("qwen3", {{"num_key_value_heads", 2}, {"head_dim", 10}}),
      random_model("qwen3",
                   {{"attention_bias", true},
                    {"use_sliding_window", true},
                    {"sliding_window", 5},
                    {"layer_types", {"sliding_attention", "full_attention", "sliding_attention"}}},
                   "qwen3_windows"),
  };
}

enum class Container { kSafetensors, kSafetensorsShards, kPickle, kPickleShards, kPth };

struct WriteOptions {
  Container container = Container::kSafetensors;
  at::ScalarType type = at::kFloat;
};

inline void write_weights(const std::filesystem::path& path, const TensorsByName& tensors) {
  if (path.extension() == ".safetensors") {
    write_safetensors(path, {tensors.begin(), tensors.end()}, {{"format", "pt"}});
    return;
  }
  PickleValue::Dict dict;
  for (const auto& [name, tensor] : tensors) dict.emplace_back(name, tensor);
  write_torch_file(path, PickleValue::dict(dict));
}

inline void write_shards(const std::filesystem::path& folder, const TensorsByName& tensors,
                         const std::string& stem, const std::string& extension) {
  TensorsByName shards[2];
  nlohmann::json index = {{"metadata", {{"total_size", 1}}},
                          {"weight_map", nlohmann::json::object()}};
  size_t i = 0;
  for (const auto& [name, tensor] : tensors) {
    const size_t shard = i++ % 2;
    shards[shard][name] = tensor;
    index["weight_map"][name] =
        stem + "-0000" + std::to_string(shard + 1) + "-of-00002" + extension;
  }
  for (size_t shard = 0; shard < 2; ++shard) {
    write_weights(folder / (stem + "-0000" + std::to_string(shard + 1) + "-of-00002" + extension),
                  shards[shard]);
  }
  std::ofstream(folder / (stem + extension + ".index.json")) << index.dump();
}

inline void write_model(const std::filesystem::path& folder, const HubModel& model,
                        const WriteOptions& how = {}) {
  std::filesystem::create_directories(folder);
  if (!model.config.is_null()) std::ofstream(folder / "config.json") << model.config.dump(2);
  TensorsByName tensors;
  for (const auto& [name, tensor] : model.tensors) {
    tensors[name] = tensor.is_floating_point() ? tensor.to(how.type) : tensor;
  }
  switch (model.config.is_null() ? Container::kPth : how.container) {
    case Container::kSafetensors:
      return write_weights(folder / "model.safetensors", tensors);
    case Container::kPickle:
      return write_weights(folder / "pytorch_model.bin", tensors);
    case Container::kPth:
      return write_weights(folder / "model.pth", tensors);
    case Container::kSafetensorsShards:
      return write_shards(folder, tensors, "model", ".safetensors");
    case Container::kPickleShards:
      return write_shards(folder, tensors, "pytorch_model", ".bin");
  }
}

}  // namespace icl::testing
