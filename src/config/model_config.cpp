// SPDX-License-Identifier: Apache-2.0
#include "icl/config/model_config.h"

namespace icl {

void ModelConfig::describe(Fields& f) {
  f.choice("family", family, {"gpt2", "mamba", "mambaformer", "rwkv4", "s4"},
           "architecture of the backbone");
  const bool has_mamba = family == "mamba" || family == "mambaformer";
  const bool has_attention = family == "gpt2" || family == "mambaformer";
  const bool is_s4 = family == "s4";
  f.integer("d_model", d_model, between(1, 65536), "width M of the residual stream");
  f.integer("n_layer", n_layer, between(1, 1024), "number of blocks");
  f.when(has_mamba || is_s4, "model.family is mamba, mambaformer or s4");
  f.integer("d_state", d_state, between(1, 256),
            "states N of each channel; in S4, N/2 complex pairs (the paper: 64)");
  f.when(has_mamba, "model.family is mamba or mambaformer");
  f.integer("d_conv", d_conv, between(1, 16), "width of the causal convolution");
  f.integer("expand", expand, between(1, 16), "inner width I is expand * d_model");
  f.integer("dt_rank", dt_rank, at_least(0), "rank of the step-size projection; 0: d_model / 16");
  f.when(has_attention, "model.family is gpt2 or mambaformer");
  f.integer("n_head", n_head, at_least(1), "attention heads; must divide d_model");
  f.when(family == "gpt2", "model.family is gpt2");
  f.choice("positions", positions, {"none", "learned"}, "position embedding");
  f.integer("n_positions", n_positions, at_least(1), "longest sequence of learned positions");
  f.when(is_s4, "model.family is s4");
  f.choice("kernel", kernel, {"diagonal", "dplr"},
           "state matrix: diagonal (S4D), or diagonal plus low rank (S4)");
  f.choice("norm", norm, {"post", "pre"}, "LayerNorm after each sum (the paper), or before S4");
  f.number("dropout", dropout, between(0, 0.99),
           "probability of dropping a channel, twice a block (the paper: 0.1)");
  f.when(is_s4 && kernel == "diagonal", "model.kernel is diagonal");
  f.choice("init", init, {"s4d_inv", "s4d_legs", "s4d_lin"}, "frequencies of the modes at first");
  f.when(is_s4 && kernel == "dplr", "model.kernel is dplr");
  f.choice("discretization", discretization, {"bilinear", "zoh"},
           "from continuous to discrete time; zoh costs dense matrix exponentials");
  f.when(family == "rwkv4", "model.family is rwkv4");
  f.integer("d_ffn", d_ffn, at_least(0), "inner width of channel mixing; 0: 4 * d_model");
  f.always();
}

}  // namespace icl
