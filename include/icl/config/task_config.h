// SPDX-License-Identifier: Apache-2.0
//
// Which random functions a model shall learn in context, and where their inputs come from
// (Grazzi et al. 2024, section 3; Garg et al. 2022).
//
//   TaskConfig task{.function = "sparse_linear_regression", .n_dims = 20};
//   task.inputs.distribution = "skewed";
//   Batch batch = TaskSampler(task, /*seed=*/1).sample({.step = 0});
#pragma once

#include <cstdint>
#include <string>

#include "icl/config/fields.h"

namespace icl {

struct InputConfig {
  std::string distribution = "gaussian";
  double exponent = 1.0;
  std::string rotation = "per_batch";
  double scale = 1.0;
  double bias = 0.0;

  void describe(Fields& f);
};

struct TaskConfig {
  std::string function = "linear_regression";
  int64_t n_dims = 20;
  double scale = 1.0;
  int64_t sparsity = 3;
  double noise_std = 0.0;
  bool renormalize_ys = false;
  int64_t hidden_width = 100;
  int64_t depth = 4;
  int64_t num_tasks = 0;
  int64_t num_training_examples = 0;
  InputConfig inputs;

  void describe(Fields& f);
};

}  // namespace icl
