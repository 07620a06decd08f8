// SPDX-License-Identifier: Apache-2.0
//
// The zoo: every family by name. Reading src/models/registry.cpp is reading the zoo.
//
//   at::manual_seed(1);
//   std::shared_ptr<Backbone> backbone = make_backbone({.family = "mamba", .d_model = 64});
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "icl/config/model_config.h"
#include "icl/models/backbone.h"

namespace icl {

// float32 on the CPU. kPublished draws the parameters from ATen's default CPU generator (seed it
// first); kNone leaves them to be loaded.
enum class Initialization { kPublished, kNone };
std::shared_ptr<Backbone> make_backbone(const ModelConfig& config,
                                        Initialization init = Initialization::kPublished);

// The names that ModelConfig::family can take, sorted.
std::vector<std::string> model_families();

}  // namespace icl
