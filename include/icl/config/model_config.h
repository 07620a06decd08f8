// SPDX-License-Identifier: Apache-2.0
//
// The sequence model: a family of the zoo and its sizes. Defaults are the paper's standard Mamba.
//
//   ModelConfig config{.family = "gpt2", .d_model = 64, .n_layer = 4, .n_head = 4};
//   std::shared_ptr<Backbone> backbone = make_backbone(config);
#pragma once

#include <cstdint>
#include <string>

#include "icl/config/fields.h"

namespace icl {

struct ModelConfig {
  std::string family = "mamba";
  int64_t d_model = 256;
  int64_t n_layer = 24;
  // Mamba (and the Mamba blocks of mambaformer)
  int64_t d_state = 16;
  int64_t d_conv = 4;
  int64_t expand = 2;
  int64_t dt_rank = 0;
  // GPT-2 (and the attention blocks of mambaformer)
  int64_t n_head = 8;
  std::string positions = "none";
  int64_t n_positions = 4096;
  // S4
  std::string kernel = "diagonal";
  std::string init = "s4d_lin";
  std::string discretization = "bilinear";
  std::string norm = "post";
  double dropout = 0.1;
  // RWKV-4
  int64_t d_ffn = 0;

  void describe(Fields& f);
};

}  // namespace icl
