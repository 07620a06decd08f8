// SPDX-License-Identifier: Apache-2.0
//
// Predictions of a model for prompts.
//
//   const at::Tensor predictions_PK = icl::predict(model, {.xs_BKD = xs_PKD, .ys_BK = ys_PK});
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>

#include "icl/evaluation/settings.h"
#include "icl/models/regression_model.h"

namespace icl {

// Predictions of the model [P, K], on the CPU. A prediction does not depend on the prompts around
// it: the same bytes alone or among others. `progress` is called after every block of the model
// with the share that is done, 0 .. 1; it may throw to stop.
at::Tensor predict(RegressionModel& model, const Prompts& prompts,
                   const std::function<void(double share)>& progress = {});

}  // namespace icl
