// SPDX-License-Identifier: Apache-2.0
//
// The sequence model of a run: a family and its sizes. The defaults are the paper's standard Mamba.
//
//   icl::ModelConfig config{.family = icl::Gpt2Family{.n_head = 4}, .d_model = 64, .n_layer = 4};
//   at::manual_seed(1);
//   std::shared_ptr<icl::Backbone> backbone = icl::make_backbone(config);
#pragma once

#include <cstdint>
#include <memory>

#include "icl/models/family.h"
#include "icl/models/mamba.h"

namespace icl {

struct ModelConfig {
  Family family = MambaFamily{};
  int64_t d_model = 256;  // width M of the residual stream
  int64_t n_layer = 24;   // blocks

  ModelSize size() const { return {.d_model = d_model, .n_layer = n_layer}; }
  void describe(Fields& f);
  void check(Problems& problems) const;
};

// float32 on the CPU. kPublished draws the parameters from ATen's default CPU generator (seed it
// first); kNone draws nothing and leaves the generator alone: the parameters are to be loaded.
enum class Initialization { kPublished, kNone };
std::shared_ptr<Backbone> make_backbone(const ModelConfig& config,
                                        Initialization init = Initialization::kPublished);

}  // namespace icl
