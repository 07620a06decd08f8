// SPDX-License-Identifier: Apache-2.0
//
// Small models of every family by name.
//
//   config.model = testing::small_model_config("mamba", /*d_model=*/16, /*n_layer=*/2);
#pragma once

#include <ATen/ATen.h>

#include <memory>
#include <string>

#include "icl/models/gpt2.h"
#include "icl/models/mamba.h"
#include "icl/models/mambaformer.h"
#include "icl/models/model_config.h"
#include "icl/models/regression_model.h"
#include "icl/models/s4.h"

namespace icl::testing {

// With two heads and `d_state` states, where the family has such keys.
inline ModelConfig small_model_config(const std::string& family, int64_t d_model, int64_t n_layer,
                                      int64_t d_state = 4) {
  ModelConfig config{.family = families().make(family), .d_model = d_model, .n_layer = n_layer};
  if (auto* mamba = config.family.get_if<MambaFamily>()) mamba->d_state = d_state;
  if (auto* gpt2 = config.family.get_if<Gpt2Family>()) gpt2->n_head = 2;
  if (auto* s4 = config.family.get_if<S4Family>()) s4->d_state = d_state;
  if (auto* mixed = config.family.get_if<MambaformerFamily>()) {
    mixed->mamba.d_state = d_state;
    mixed->n_head = 2;
  }
  return config;
}

// In evaluation mode, with random weights that are always the same.
inline std::shared_ptr<RegressionModel> small_model(const std::string& family, int64_t n_dims,
                                                    int64_t d_model = 16, int64_t n_layer = 2) {
  at::manual_seed(3);
  auto model =
      std::make_shared<RegressionModel>(small_model_config(family, d_model, n_layer), n_dims);
  model->eval();
  return model;
}

}  // namespace icl::testing
