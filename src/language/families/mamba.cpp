// SPDX-License-Identifier: Apache-2.0
#include "icl/models/mamba.h"

#include <array>

#include "icl/base/error.h"
#include "src/language/families/mamba.h"

namespace icl::language {
namespace {

constexpr auto kMambaNames = std::to_array<Name>({
    {"backbone.embeddings.weight", "embedding.weight"},
    {"backbone.layers.*.norm.weight", "backbone.blocks.*.norm.weight"},
    {"backbone.layers.*.mixer.in_proj.weight", "backbone.blocks.*.mixer.in_proj.weight"},
    {"backbone.layers.*.mixer.in_proj.bias", "backbone.blocks.*.mixer.in_proj.bias"},
    {"backbone.layers.*.mixer.conv1d.weight", "backbone.blocks.*.mixer.conv1d.weight",
     Layout::kFilter},
    {"backbone.layers.*.mixer.conv1d.bias", "backbone.blocks.*.mixer.conv1d.bias"},
    {"backbone.layers.*.mixer.x_proj.weight", "backbone.blocks.*.mixer.x_proj.weight"},
    {"backbone.layers.*.mixer.dt_proj.weight", "backbone.blocks.*.mixer.dt_proj.weight"},
    {"backbone.layers.*.mixer.dt_proj.bias", "backbone.blocks.*.mixer.dt_proj.bias"},
    {"backbone.layers.*.mixer.A_log", "backbone.blocks.*.mixer.A_log"},
    {"backbone.layers.*.mixer.D", "backbone.blocks.*.mixer.D"},
    {"backbone.layers.*.mixer.out_proj.weight", "backbone.blocks.*.mixer.out_proj.weight"},
    {"backbone.layers.*.mixer.out_proj.bias", "backbone.blocks.*.mixer.out_proj.bias"},
    {"backbone.norm_f.weight", "backbone.norm.weight"},
    {"lm_head.weight", "head.weight"},
});

// The original layout: the first name alone differs.
constexpr auto kOriginalMambaNames = [] {
  auto names = kMambaNames;
  names[0].file = "backbone.embedding.weight";
  return names;
}();

std::shared_ptr<Backbone> stack(int64_t n_layer, const MambaOptions& options) {
  std::vector<std::shared_ptr<Block>> blocks;
  for (int64_t i = 0; i < n_layer; ++i) blocks.push_back(make_mamba_block(options));
  auto norm = std::make_shared<Norm>(Norm::Kind::kRms, options.d_model, options.norm_eps);
  return std::make_shared<Backbone>(options.d_model, blocks, Backbone::Stages{.norm = norm});
}

// A rank that may be "auto".
int64_t dt_rank(const Settings& config, const char* key) {
  const bool automatic = !config.has(key) || config.json()[key] == "auto";
  return automatic ? 0 : config.size(key);
}

}  // namespace

Blueprint mamba(const Settings& config) {
  return hub_mamba(config, "mamba", std::nullopt);
}

Blueprint hub_mamba(const Settings& config, const char* family,
                    std::optional<double> selection_norm_eps) {
  config.choice("hidden_act", "silu", {"silu", "swish"});
  const int64_t width = config.size("hidden_size", 768);
  const int64_t expand = config.size("expand", 2);
  const MambaOptions options{.d_model = width,
                             .d_state = config.size("state_size", 16),
                             .d_conv = config.size("conv_kernel", 4),
                             .expand = expand,
                             .d_inner = config.size("intermediate_size", expand * width),
                             .dt_rank = dt_rank(config, "time_step_rank"),
                             .bias = config.flag("use_bias", false),
                             .conv_bias = config.flag("use_conv_bias", true),
                             .norm_eps = config.number("layer_norm_epsilon", 1e-5),
                             .selection_norm_eps = selection_norm_eps};
  const int64_t vocab_size = config.size("vocab_size", 50280);
  return {.parts = {.family = family,
                    .backbone = stack(config.layers("num_hidden_layers", 32), options),
                    .n_rows = vocab_size,
                    .vocab_size = vocab_size,
                    .tied = config.flag("tie_word_embeddings", true)},
          .names = kMambaNames,
          .prefix = "backbone."};
}

Blueprint original_mamba(const Settings& config) {
  config.expect_flag("rms_norm", true, true);
  const Settings ssm = config.object("ssm_cfg");
  ssm.choice("layer", "Mamba1", {"Mamba1"});
  if (config.has("attn_layer_idx") && !config.json()["attn_layer_idx"].empty()) {
    config.refuse("attn_layer_idx", "no attention layers");
  }
  if (config.has("d_intermediate") && config.json()["d_intermediate"] != 0) {
    config.refuse("d_intermediate", "0 (blocks without an MLP)");
  }
  const MambaOptions options{.d_model = config.size("d_model"),
                             .d_state = ssm.size("d_state", 16),
                             .d_conv = ssm.size("d_conv", 4),
                             .expand = ssm.size("expand", 2),
                             .dt_rank = dt_rank(ssm, "dt_rank"),
                             .bias = ssm.flag("bias", false),
                             .conv_bias = ssm.flag("conv_bias", true),
                             .norm_eps = config.number("norm_epsilon", 1e-5)};
  const int64_t vocab_size = config.size("vocab_size");
  const int64_t multiple = config.size("pad_vocab_size_multiple", 8);
  return {.parts = {.family = "mamba",
                    .backbone = stack(config.layers("n_layer", 64), options),
                    .n_rows = (vocab_size + multiple - 1) / multiple * multiple,
                    .vocab_size = vocab_size,
                    .tied = config.flag("tie_embeddings", true)},
          .names = kOriginalMambaNames,
          .prefix = "backbone.",
          .tie_key = "tie_embeddings"};
}

}  // namespace icl::language
