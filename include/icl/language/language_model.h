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
// the state-spaces repositories), RWKV-4 (also a BlinkDL .pth file, or a folder that holds one and
// no config), GPT-NeoX and Pythia, GPT-2, GPT-J, LLaMA. float32 weights are used where the file is
// mapped into memory; float16 and bfloat16 ones are converted. RWKV's halving of the residual
// stream every `rescale_every` blocks is left out: it serves float16 alone.
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

#include "icl/config/model_config.h"
#include "icl/models/backbone.h"

namespace icl {

// Parameters "embedding.weight" [R, M], "backbone....", and "head.weight" [R, M] unless the head is
// tied to the embedding; "head.bias" [R] in GPT-J. R rows, of which V stand for tokens.
class LanguageModel : public torch::nn::Module {
 public:
  struct Parts {
    std::string family;  // "mamba", "rwkv4", "gpt_neox", "gpt2", "gptj", "llama"
    std::shared_ptr<Backbone> backbone;
    int64_t n_rows = 0;          // R
    int64_t vocab_size = 0;      // V <= R
    int64_t context_length = 0;  // longest sequence in tokens; 0: unlimited
    bool tied = true;
    bool head_bias = false;
    std::string config;  // of the Hugging Face folder, as JSON
  };
  explicit LanguageModel(Parts parts);

  // Every function takes ids int64 [B, T] in 0 .. R - 1, T at least 1 and at most the context's
  // length (both checked: UsageError). Gradients flow wherever the parameters want them; those of a
  // loaded model do not.

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
  int64_t context_length() const { return parts_.context_length; }  // 0: unlimited
  int64_t parameter_count() const;                                  // a tied head counts once
  const std::string& family() const { return parts_.family; }
  const std::string& config() const { return parts_.config; }
  Backbone& backbone() { return *parts_.backbone; }

  // Draws all parameters: the embedding and a head of its own from N(0, 0.02), the backbone as
  // published.
  void reset_parameters();

 private:
  void check_ids(const at::Tensor& ids_BT, int64_t seen) const;
  at::Tensor embed(const at::Tensor& ids_BT) const;
  at::Tensor head(const at::Tensor& hidden) const;         // [..., M] -> float32 [..., R]
  at::Tensor masked_head(const at::Tensor& hidden) const;  // -inf beyond V

  Parts parts_;
  at::Tensor embedding_, head_weight_, head_bias_;
};

struct LoadOptions {
  c10::Device device = c10::kCPU;
  std::optional<at::ScalarType> dtype;  // of the computation; default: float32
};

struct LoadedModel {
  std::shared_ptr<LanguageModel> model;  // in evaluation mode, parameters without gradients
  std::filesystem::path folder;
  std::optional<std::filesystem::path> tokenizer;  // the folder's tokenizer.json, if it has one
};

// Throws DataError for a folder without config or weights, an unknown model type, a setting that
// is not supported, and - all in one message - for missing, extra and misshapen tensors.
LoadedModel load_language_model(const std::filesystem::path& folder,
                                const LoadOptions& options = {});

// A new model with random parameters (drawn from ATen's default CPU generator) of `config.family`:
// mamba, gpt2 (positions "learned") or rwkv4. Throws UsageError for what has no Hugging Face form.
std::shared_ptr<LanguageModel> make_language_model(const ModelConfig& config, int64_t vocab_size);
// The same from the text of a config.json, of any family.
std::shared_ptr<LanguageModel> make_language_model(const std::string& config);

// Writes config.json and model.safetensors into `folder`, which load_language_model() and the
// original implementations read; a tied head is not repeated.
void export_language_model(const LanguageModel& model, const std::filesystem::path& folder);

}  // namespace icl
