// SPDX-License-Identifier: Apache-2.0
//
// What a family of pre-trained models is: how its config reads, and how its tensors are called.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "icl/language/language_model.h"
#include "icl/models/attention.h"
#include "icl/models/mlp.h"
#include "src/language/settings.h"

namespace icl::language {

// How a tensor lies in the file, where the model holds W or v.
enum class Layout {
  kSame,
  kTransposed,  // W^T
  kFilter,      // [I, 1, W]
  kToken,       // [1, 1, M]
};

// One tensor's name in the file and in the model; "*" stands for the block's index. Rows of
// parameters that a model lacks (biases, a tied head) do not count. A second row of
// the same parameter is another name that files may have for it.
struct Name {
  const char* file;
  const char* model;
  Layout layout = Layout::kSame;
};

// A model as its config describes it, without weights.
struct Blueprint {
  LanguageModel::Parts parts;
  std::span<const Name> names;
  std::span<const char* const> ignored;  // constants that files may hold besides; "*" as above
  const char* prefix = "";               // of all names but the head's; files may leave it out
};

using Family = Blueprint (*)(const Settings& config);

// One function a family, in families/.
Blueprint mamba(const Settings& config);
Blueprint original_mamba(const Settings& config);  // the layout of the state-spaces repositories
Blueprint rwkv4(const Settings& config);
Blueprint gpt2(const Settings& config);
Blueprint gpt_neox(const Settings& config);
Blueprint gptj(const Settings& config);
Blueprint llama(const Settings& config);

// By the config's model_type. Throws DataError naming the known ones and the nearest.
Blueprint blueprint_of(const Settings& config);

// Names of BlinkDL's RWKV-4 files, which describe themselves by their shapes alone.
std::span<const Name> blink_names();

// A decoder whose blocks are all alike, each an attention and an MLP, with a norm behind the last.
struct Decoder {
  const char* family;
  int64_t n_layer, context_length;
  AttentionOptions attention;
  MlpOptions mlp;
  Norm::Kind norm;
  double norm_eps;
  Block::Placement placement = Block::Placement::kPre;
  bool second_norm = true;  // of the MLP's own; else it shares the attention's
};
// The size of the vocabulary, and whether the head is tied to it, are read from the config.
LanguageModel::Parts decoder_parts(const Settings& config, const Decoder& decoder);

// The activation that `key` names.
Activation activation_of(const Settings& config, const char* key, const std::string& fallback);

}  // namespace icl::language
