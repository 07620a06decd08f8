// SPDX-License-Identifier: Apache-2.0
//
// Which random functions a model shall learn in context, and where their inputs come from (Grazzi
// et al. 2024, section 3; Garg et al. 2022).
//
//   icl::TaskConfig task{.function = icl::SparseLinearRegression{.sparsity = 3}, .n_dims = 20};
//   task.inputs.distribution = icl::SkewedInputs{};
//   icl::Batch batch = icl::TaskSampler(task, /*seed=*/1).sample({.step = 0});
#pragma once

#include <cstdint>

#include "icl/tasks/function_class.h"
#include "icl/tasks/gaussian_inputs.h"
#include "icl/tasks/input_distribution.h"
#include "icl/tasks/linear_regression.h"

namespace icl {

struct InputConfig {
  Inputs distribution = GaussianInputs{};
  double scale = 1.0;  // factor
  double bias = 0.0;   // added to every coordinate, after the factor

  void describe(Fields& f);
  // Whether x ~ N(0, I).
  bool is_standard() const { return distribution->isotropic() && scale == 1 && bias == 0; }
};

struct TaskConfig {
  Function function = LinearRegression{};
  int64_t n_dims = 20;  // dimensions D of an input
  // Functions from a pool of this many, or whole prompts from a pool of that many; 0: fresh ones.
  int64_t num_tasks = 0;
  int64_t num_training_examples = 0;
  InputConfig inputs;

  FunctionTraits traits() const { return function->traits(n_dims); }
  void describe(Fields& f);
  void check(Problems& problems) const;
};

}  // namespace icl
