// SPDX-License-Identifier: Apache-2.0
//
// What a family of pre-trained models is: how its config is read, and the names of its tensors.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "icl/language/language_model.h"
#include "icl/models/attention.h"
#include "icl/models/mlp.h"
#include "src/language/settings.h"

namespace icl::language {

// The form of a tensor in the file, where the model has a matrix W or a vector v.
enum class Layout {
  kSame,
  kTransposed,  // W^T
  kFilter,      // [I, 1, W]
  kToken,       // [1, 1, M]
};

// One tensor's name in the file and in the model; "*" stands for the block's index. A row whose
// parameter the model does not have (a bias, a tied head) has no effect. A second row of the same
// parameter gives another name that files may have for the parameter.
struct Name {
  const char* file;
  const char* model;
  Layout layout = Layout::kSame;
};

// A model as its config describes it, without weights.
struct Blueprint {
  LanguageModel::Parts parts;
  std::span<const Name> names;
  std::vector<std::string> missing_sizes = {};  // see Settings::missing_sizes()
  const char* prefix = "";  // of all names but the head's; files may leave it out
  const char* tie_key = "tie_word_embeddings";  // the config's key for a head that is the embedding
};

using Family = Blueprint (*)(const Settings& config);

// One function for each family, in families/.
Blueprint mamba(const Settings& config);
Blueprint original_mamba(const Settings& config);  // the layout of the state-spaces repositories
Blueprint falcon_mamba(const Settings& config);
Blueprint rwkv4(const Settings& config);
Blueprint gpt2(const Settings& config);
Blueprint gpt_neox(const Settings& config);
Blueprint gptj(const Settings& config);
Blueprint llama(const Settings& config);
Blueprint mistral(const Settings& config);
Blueprint qwen2(const Settings& config);
Blueprint qwen3(const Settings& config);

// By the config's model_type. Throws DataError naming the supported ones.
Blueprint blueprint_of(const Settings& config);

// The words that configs of GPT-2 and GPT-J may use for their keys.
extern const std::vector<Settings::Synonym> kGptSynonyms;

// Names of BlinkDL's RWKV-4 files, which describe themselves by their shapes alone.
std::span<const Name> blink_names();

// A decoder of blocks that are all alike, each of an attention and an MLP, and a norm behind the
// last block.
struct Decoder {
  const char* family;
  int64_t n_layer;
  int64_t vocab_size;  // if the config does not say
  int64_t context_length;
  AttentionOptions attention;
  MlpOptions mlp;
  Norm::Kind norm;
  double norm_eps;
  Block::Placement placement = Block::Placement::kPre;
  bool second_norm = true;            // the MLP has a norm; without, it shares the attention's
  std::vector<int64_t> windows = {};  // of each layer's attention, 0 for none; empty: none has one
};
// The size of the vocabulary, and whether the head is tied to the embedding, are read from the
// config.
LanguageModel::Parts decoder_parts(const Settings& config, const Decoder& decoder);

// The activation that `key` names.
Activation activation_of(const Settings& config, const char* key, const std::string& fallback);

}  // namespace icl::language
