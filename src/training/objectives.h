// SPDX-License-Identifier: Apache-2.0
//
// The objectives behind make_objective().
#pragma once

#include "icl/training/objective.h"

namespace icl {

// Weights come from ATen's default generator: seeded, a model is a function of config and seed.
void seed_initial_weights(const RunConfig& config);

// Without `draw_weights` the parameters are to be filled by the caller.
std::unique_ptr<Objective> make_regression_objective(const RunConfig& config, c10::Device device,
                                                     bool draw_weights);
std::unique_ptr<Objective> make_token_objective(const RunConfig& config, c10::Device device,
                                                bool draw_weights);

}  // namespace icl
