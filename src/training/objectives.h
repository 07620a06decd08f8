// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "icl/training/objective.h"

namespace icl {

// Weights come from ATen's default generator: seeded, a model is a function of config and seed.
void seed_initial_weights(const RunConfig& config);

std::unique_ptr<Objective> make_language_objective(const RunConfig& config, c10::Device device);

}  // namespace icl
