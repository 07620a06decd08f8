// SPDX-License-Identifier: Apache-2.0
#include "icl/config/model_config.h"

namespace icl {

void ModelConfig::describe(Fields& f) {
  f.choice("family", family, {"gpt2", "mamba"}, "architecture of the backbone");
  f.integer("d_model", d_model, between(1, 65536), "width M of the residual stream");
  f.integer("n_layer", n_layer, between(1, 1024), "number of blocks");
  f.when(family == "mamba", "model.family is mamba");
  f.integer("d_state", d_state, between(1, 256), "states N of each channel of the selective scan");
  f.integer("d_conv", d_conv, between(1, 16), "width of the causal convolution");
  f.integer("expand", expand, between(1, 16), "inner width I is expand * d_model");
  f.integer("dt_rank", dt_rank, at_least(0), "rank of the step-size projection; 0: d_model / 16");
  f.when(family == "gpt2", "model.family is gpt2");
  f.integer("n_head", n_head, at_least(1), "attention heads; must divide d_model");
  f.choice("positions", positions, {"none", "learned"}, "position embedding");
  f.integer("n_positions", n_positions, at_least(1), "longest sequence of learned positions");
  f.always();
}

}  // namespace icl
