// SPDX-License-Identifier: Apache-2.0
#include "icl/models/mambaformer.h"

#include "icl/models/attention.h"

namespace icl {

void MambaformerFamily::describe(Fields& f) {
  mamba.describe(f);
  f.integer("n_head", n_head, at_least(1), "attention heads; must divide d_model");
}

void MambaformerFamily::check(const ModelSize& size, Problems& problems) const {
  check_heads(n_head, size, problems);
}

std::shared_ptr<Backbone> MambaformerFamily::make(const ModelSize& size) const {
  const auto rms_norm = [&] { return std::make_shared<Norm>(Norm::Kind::kRms, size.d_model); };
  return make_stack(size, {.norm = rms_norm()}, [&](int64_t index) {
    auto block = std::make_shared<Block>();
    if (index > 0) {
      block->add(
          "ln_1", std::make_shared<Norm>(Norm::Kind::kLayer, size.d_model), "attn",
          std::make_shared<Attention>(AttentionOptions{.d_model = size.d_model, .n_head = n_head}));
    }
    block->add("norm", rms_norm(), "mixer",
               std::make_shared<MambaMixer>(mamba.options(size.d_model)));
    return block;
  });
}

}  // namespace icl
