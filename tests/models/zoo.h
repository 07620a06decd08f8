// SPDX-License-Identifier: Apache-2.0
//
// A small model of every family, and inputs for it.
#pragma once

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "icl/config/model_config.h"
#include "icl/models/regression_model.h"

namespace icl {

inline std::vector<ModelConfig> small_zoo() {
  return {
      {.family = "gpt2", .d_model = 16, .n_layer = 2, .n_head = 2},
      {.family = "gpt2",
       .d_model = 16,
       .n_layer = 2,
       .n_head = 2,
       .positions = "learned",
       .n_positions = 64},
      {.family = "mamba", .d_model = 16, .n_layer = 3, .d_state = 4},
      {.family = "mambaformer", .d_model = 16, .n_layer = 2, .d_state = 4, .n_head = 2},
      {.family = "rwkv4", .d_model = 16, .n_layer = 3},
      {.family = "s4", .d_model = 16, .n_layer = 2, .d_state = 8},
      {.family = "s4",
       .d_model = 16,
       .n_layer = 2,
       .d_state = 8,
       .init = "s4d_legs",
       .norm = "pre"},
      {.family = "s4", .d_model = 16, .n_layer = 2, .d_state = 8, .kernel = "dplr"},
      {.family = "s4",
       .d_model = 16,
       .n_layer = 2,
       .d_state = 8,
       .kernel = "dplr",
       .discretization = "zoh"},
  };
}

inline std::string zoo_name(const ::testing::TestParamInfo<ModelConfig>& info) {
  const ModelConfig& config = info.param;
  std::string name = config.family;
  if (config.positions == "learned") name += "_positions";
  if (config.family == "s4") name += "_" + config.kernel + "_" + config.norm;
  if (config.kernel == "dplr") name += "_" + config.discretization;
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
