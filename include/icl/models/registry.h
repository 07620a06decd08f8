// SPDX-License-Identifier: Apache-2.0
//
// The zoo: every family by name. Reading src/models/registry.cpp is reading the zoo.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "icl/config/model_config.h"
#include "icl/models/backbone.h"

namespace icl {

// Initialised as published, from ATen's default CPU generator (seed it first), float32 on the CPU.
std::shared_ptr<Backbone> make_backbone(const ModelConfig& config);

}  // namespace icl
