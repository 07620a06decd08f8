// SPDX-License-Identifier: Apache-2.0
//
// MambaFormer (Park et al. 2024): a Mamba block, then blocks of attention and Mamba; no positions,
// no MLP. The order of the parts is the publication's. Norms and initial weights are those of icl's
// other families: RMSNorm before Mamba and at the end, GPT-2's initial attention, residual weights
// by 1 / sqrt(number of blocks).
//
//   icl::ModelConfig config{.family = icl::MambaformerFamily{.n_head = 4}, .d_model = 64, .n_layer
//   = 4};
#pragma once

#include "icl/models/mamba.h"

namespace icl {

struct MambaformerFamily {
  static constexpr const char* kName = "mambaformer";
  static constexpr const char* kTitle = "MambaFormer";
  static constexpr const char* kSummary = "Mamba and attention in turn (Park et al. 2024)";
  static constexpr bool kZeroesOuterBiases = false;
  MambaFamily mamba;
  int64_t n_head = 8;

  void describe(Fields& f);
  void check(const ModelSize& size, Problems& problems) const;
  std::shared_ptr<Backbone> make(const ModelSize& size) const;
};

}  // namespace icl
