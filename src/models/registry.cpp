// SPDX-License-Identifier: Apache-2.0
#include "icl/models/registry.h"

#include <functional>

#include "icl/base/error.h"
#include "icl/base/text.h"
#include "icl/models/gpt2.h"
#include "icl/models/mamba.h"
#include "icl/models/rwkv4.h"
#include "icl/models/s4.h"

namespace icl {
namespace {

using Blocks = std::vector<std::shared_ptr<Block>>;

MambaOptions mamba_options(const ModelConfig& config) {
  return {.d_model = config.d_model,
          .d_state = config.d_state,
          .d_conv = config.d_conv,
          .expand = config.expand,
          .dt_rank = config.dt_rank};
}

Gpt2Options gpt2_options(const ModelConfig& config) {
  return {.d_model = config.d_model, .n_head = config.n_head};
}

std::shared_ptr<Norm> layer_norm(const ModelConfig& config) {
  return std::make_shared<Norm>(Norm::Kind::kLayer, config.d_model);
}

std::shared_ptr<Norm> rms_norm(const ModelConfig& config) {
  return std::make_shared<Norm>(Norm::Kind::kRms, config.d_model);
}

std::shared_ptr<Backbone> make_mamba(const ModelConfig& config) {
  Blocks blocks;
  for (int64_t i = 0; i < config.n_layer; ++i) {
    blocks.push_back(make_mamba_block(mamba_options(config)));
  }
  return std::make_shared<Backbone>(config.d_model, blocks,
                                    Backbone::Ends{.norm = rms_norm(config)});
}

std::shared_ptr<Backbone> make_gpt2(const ModelConfig& config) {
  Blocks blocks;
  for (int64_t i = 0; i < config.n_layer; ++i) {
    blocks.push_back(make_gpt2_block(gpt2_options(config)));
  }
  Backbone::Ends ends{.norm = layer_norm(config)};
  if (config.positions == "learned") {
    ends.positions = std::make_shared<Positions>(config.n_positions, config.d_model);
  }
  return std::make_shared<Backbone>(config.d_model, blocks, ends);
}

// The order of Park et al. 2024: a Mamba block, then blocks of attention and Mamba; no positions,
// no MLP. Norms and initial weights are those of the other families here (RMSNorm before Mamba and
// at the end, GPT-2's initial attention, residual weights by 1 / sqrt(number of blocks)), not
// theirs.
std::shared_ptr<Backbone> make_mambaformer(const ModelConfig& config) {
  Blocks blocks;
  for (int64_t i = 0; i < config.n_layer; ++i) {
    auto block = std::make_shared<Block>();
    if (i > 0) {
      block->add("ln_1", layer_norm(config), "attn",
                 std::make_shared<Attention>(
                     AttentionOptions{.d_model = config.d_model, .n_head = config.n_head}));
    }
    block->add("norm", rms_norm(config), "mixer",
               std::make_shared<MambaMixer>(mamba_options(config)));
    blocks.push_back(block);
  }
  return std::make_shared<Backbone>(config.d_model, blocks,
                                    Backbone::Ends{.norm = rms_norm(config)});
}

std::shared_ptr<Backbone> make_rwkv4(const ModelConfig& config) {
  Blocks blocks;
  for (int64_t i = 0; i < config.n_layer; ++i) {
    blocks.push_back(make_rwkv4_block({.d_model = config.d_model, .d_ffn = config.d_ffn}));
  }
  return std::make_shared<Backbone>(
      config.d_model, blocks,
      Backbone::Ends{.input_norm = layer_norm(config), .norm = layer_norm(config)});
}

std::shared_ptr<Backbone> make_s4(const ModelConfig& config) {
  const bool post = config.norm == "post";
  const S4Options options{.d_model = config.d_model,
                          .d_state = config.d_state,
                          .kernel = config.kernel,
                          .init = config.init,
                          .discretization = config.discretization,
                          .norm = post ? Block::Placement::kPost : Block::Placement::kPre,
                          .dropout = config.dropout};
  Blocks blocks;
  for (int64_t i = 0; i < config.n_layer; ++i) blocks.push_back(make_s4_block(options));
  Backbone::Ends ends;
  if (!post) ends.norm = layer_norm(config);  // else the last block ends with one
  return std::make_shared<Backbone>(config.d_model, blocks, ends);
}

struct Family {
  const char* name;
  std::shared_ptr<Backbone> (*make)(const ModelConfig&);
};

constexpr Family kFamilies[] = {
    {"gpt2", make_gpt2},   {"mamba", make_mamba}, {"mambaformer", make_mambaformer},
    {"rwkv4", make_rwkv4}, {"s4", make_s4},
};

}  // namespace

std::vector<std::string> model_families() {
  std::vector<std::string> names;
  for (const auto& family : kFamilies) names.emplace_back(family.name);
  return names;
}

std::shared_ptr<Backbone> make_backbone(const ModelConfig& config, Initialization init) {
  for (const auto& family : kFamilies) {
    if (config.family != family.name) continue;
    auto backbone = family.make(config);
    if (init == Initialization::kPublished) backbone->reset_parameters();
    return backbone;
  }
  throw UsageError(str("model.family is '", config.family, "', expected one of ",
                       join(model_families()), did_you_mean(config.family, model_families())));
}

}  // namespace icl
