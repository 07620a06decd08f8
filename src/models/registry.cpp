// SPDX-License-Identifier: Apache-2.0
#include "icl/models/registry.h"

#include <functional>

#include "icl/base/error.h"
#include "icl/base/text.h"
#include "icl/models/gpt2.h"
#include "icl/models/mamba.h"

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

struct Family {
  const char* name;
  std::shared_ptr<Backbone> (*make)(const ModelConfig&);
};

constexpr Family kFamilies[] = {
    {"gpt2", make_gpt2},
    {"mamba", make_mamba},
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
