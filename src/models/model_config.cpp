// SPDX-License-Identifier: Apache-2.0
#include "icl/models/model_config.h"

namespace icl {

void ModelConfig::describe(Fields& f) {
  f.kind("family", family, "architecture of the backbone");
  f.integer("d_model", d_model, between(1, 65536), "width M of the residual stream");
  f.integer("n_layer", n_layer, between(1, 1024), "number of blocks");
  f.settings("family", family);
}

void ModelConfig::check(Problems& problems) const {
  family->check(size(), problems);
}

std::shared_ptr<Backbone> make_backbone(const ModelConfig& config, Initialization init) {
  std::shared_ptr<Backbone> backbone = config.family->make(config.size());
  if (init == Initialization::kPublished) backbone->reset_parameters();
  return backbone;
}

}  // namespace icl
