// SPDX-License-Identifier: Apache-2.0
//
// A language model: an embedding, a backbone of the zoo and a head, as pre-trained ones come.
//
//   LoadedModel loaded = load_language_model("models/pythia-160m");
//   const at::Tensor ids = at::tensor({12092, 13, 1533}, at::kLong).unsqueeze(0);
//   at::Tensor next_BV = loaded.model->last_logits(ids, {3});
//
// Folders are those of the Hugging Face hub, as downloaded: config.json beside weights in
// model.safetensors or pytorch_model.bin, whole or in shards. Families: Mamba (also the layout of
// the state-spaces repositories), Falcon Mamba, RWKV-4 (also a BlinkDL .pth file, or a folder that
// holds one and no config), GPT-NeoX and Pythia, GPT-2, GPT-J, LLaMA, Mistral, Qwen2, Qwen3.
// Weights of the type that the model computes in are used where the file is mapped into memory;
// others are converted.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>
#include <torch/nn/module.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "icl/models/backbone.h"
#include "icl/models/model_config.h"

namespace icl {

// Parameters "embedding.weight" [R, M], "backbone....", and "head.weight" [R, M] unless the head is
// tied to the embedding; "head.bias" [R] in GPT-J. R rows, of which V stand for tokens.
class LanguageModel : public torch::nn::Module {
 public:
  struct Parts {
    std::string family;  // "mamba", "rwkv4", "gpt_neox", ...
    std::shared_ptr<Backbone> backbone;
    int64_t n_rows = 0;          // R
    int64_t vocab_size = 0;      // V <= R
    int64_t context_length = 0;  // tokens that the model was made for; 0: any number
    // Longer sequences are impossible, since positions are a table. Without it they are computed,
    // with a warning.
    bool learned_positions = false;
    // What a model computes for a token of a longer sequence depends on the sequence's whole
    // length, padding included; 0: never.
    int64_t uniform_length = 0;
    bool tied = true;
    bool head_bias = false;
    std::string config;  // of the Hugging Face folder, as JSON
  };
  explicit LanguageModel(Parts parts);

  // Every function takes ids int64 [B, T] in 0 .. R - 1, T at least 1 and at most
  // longest_sequence() (checked: UsageError). Gradients flow to parameters that require them; those
  // of a loaded model do not. A model whose embedding is float16 or bfloat16 computes its matrix
  // products in that type, the rest in float32.

  // Logits of every position, padding rows included: float32 [B, T, R] (float64 if computed so).
  at::Tensor logits(const at::Tensor& ids_BT);
  // Only at the last real token of each right-padded row, `lengths` one for each row in 1 .. T:
  // [B, R], -inf at rows that stand for no token.
  at::Tensor last_logits(const at::Tensor& ids_BT, const std::vector<int64_t>& lengths,
                         const Backbone::Tap& tap = {}, const Backbone::Edit& edit = {});
  State initial_state(int64_t batch) const;
  // Continues `state` by ids [B, T]; logits after the last of them, as last_logits().
  at::Tensor next_logits(const at::Tensor& ids_BT, State& state);

  int64_t vocab_size() const { return parts_.vocab_size; }          // V
  int64_t n_rows() const { return parts_.n_rows; }                  // R
  int64_t context_length() const { return parts_.context_length; }  // 0: any number of tokens
  // Tokens that a sequence may have; 0: any number.
  int64_t longest_sequence() const { return parts_.learned_positions ? parts_.context_length : 0; }
  // Sequences of more tokens have to be alone or among others of their length; 0: none has to.
  int64_t uniform_length() const { return parts_.uniform_length; }
  int64_t parameter_count() const;  // a tied head counts once
  const std::string& family() const { return parts_.family; }
  const std::string& config() const { return parts_.config; }
  Backbone& backbone() { return *parts_.backbone; }

  // Draws all parameters: the embedding and a head of its own from N(0, 0.02), the backbone as
  // published.
  void reset_parameters();

 private:
  void check_ids(const at::Tensor& ids_BT, int64_t seen);
  at::Tensor embed(const at::Tensor& ids_BT) const;
  at::Tensor head(const at::Tensor& hidden) const;         // [..., M] -> float32 [..., R]
  at::Tensor masked_head(const at::Tensor& hidden) const;  // -inf beyond V

  Parts parts_;
  at::Tensor embedding_, head_weight_, head_bias_;
  bool warned_of_length_ = false;
};

struct LoadOptions {
  c10::Device device = c10::kCPU;
  // Of the computation: float32, float64, float16 or bfloat16; none: that of the file's weights.
  std::optional<at::ScalarType> dtype = at::kFloat;
};

struct LoadedModel {
  std::shared_ptr<LanguageModel> model;  // in evaluation mode, parameters without gradients
  std::filesystem::path folder;
  std::optional<std::filesystem::path> tokenizer;  // as find_tokenizer(folder) names it
  std::vector<int64_t> end_tokens;  // that end a text, by the folder's configs; may be empty
};

// Throws DataError for a folder without config or weights, a model type or setting that is not
// supported, and - all in one message - for missing, extra and misshapen tensors and such as hold
// NaN or infinity.
LoadedModel load_language_model(const std::filesystem::path& folder,
                                const LoadOptions& options = {});

// A new model of a family of icl's with random parameters (drawn from ATen's default CPU
// generator).
std::shared_ptr<LanguageModel> make_language_model(const ModelConfig& config, int64_t vocab_size);
// Whether such a model has a Hugging Face form, so that export_language_model() can write it:
// mamba, rwkv4, and gpt2 with learned positions.
bool has_published_form(const ModelConfig& config);
// The same from the text of a config.json, of any family.
std::shared_ptr<LanguageModel> make_language_model(const std::string& config);

// Writes config.json and model.safetensors into `folder`, which load_language_model() and the
// original implementations read; a tied head is not repeated.
void export_language_model(const LanguageModel& model, const std::filesystem::path& folder);

}  // namespace icl
