// SPDX-License-Identifier: Apache-2.0
//
// A small model of every family, and inputs for it.
#pragma once

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "icl/models/gpt2.h"
#include "icl/models/mamba.h"
#include "icl/models/mambaformer.h"
#include "icl/models/model_config.h"
#include "icl/models/regression_model.h"
#include "icl/models/rwkv4.h"
#include "icl/models/s4.h"

namespace icl {

inline std::vector<ModelConfig> small_zoo() {
  return {
      {.family = Gpt2Family{.n_head = 2}, .d_model = 16, .n_layer = 2},
      {.family = Gpt2Family{.n_head = 2, .positions = "learned", .n_positions = 64},
       .d_model = 16,
       .n_layer = 2},
      {.family = MambaFamily{.d_state = 4}, .d_model = 16, .n_layer = 3},
      {.family = MambaformerFamily{.mamba = {.d_state = 4}, .n_head = 2},
       .d_model = 16,
       .n_layer = 2},
      {.family = Rwkv4Family{}, .d_model = 16, .n_layer = 3},
      {.family = S4Family{.d_state = 8}, .d_model = 16, .n_layer = 2},
      {.family = S4Family{.d_state = 8, .init = "s4d_legs", .norm = "pre"},
       .d_model = 16,
       .n_layer = 2},
      {.family = S4Family{.d_state = 8, .kernel = "dplr"}, .d_model = 16, .n_layer = 2},
      {.family = S4Family{.d_state = 8, .kernel = "dplr", .discretization = "zoh"},
       .d_model = 16,
       .n_layer = 2},
  };
}

inline std::string zoo_name(const ::testing::TestParamInfo<ModelConfig>& info) {
  const Family& family = info.param.family;
  std::string name = family.name();
  if (family->longest_sequence()) name += "_positions";
  if (const auto* s4 = family.get_if<S4Family>()) {
    name += "_" + s4->kernel + "_" + s4->norm;
    if (s4->kernel == "dplr") name += "_" + s4->discretization;
  }
  return name;
}

// Adds noise to all parameters: some start at zero or all alike, which hides mistakes.
inline void leave_initialization(torch::nn::Module& module) {
  const at::NoGradGuard no_grad;
  for (auto& parameter : module.parameters()) parameter.add_(0.1 * at::randn_like(parameter));
}

// A regression model drawn from `seed`, off its initialisation, in evaluation mode.
inline std::shared_ptr<RegressionModel> small_model(const ModelConfig& config, int64_t n_dims,
                                                    uint64_t seed = 1) {
  at::manual_seed(seed);
  auto model = std::make_shared<RegressionModel>(config, n_dims);
  leave_initialization(*model);
  model->eval();
  return model;
}

inline double largest(const at::Tensor& x) {
  return x.abs().max().item<double>();
}

}  // namespace icl
