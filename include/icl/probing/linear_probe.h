// SPDX-License-Identifier: Apache-2.0
//
// What can be read linearly from the residual stream: ridge regression, after every block, from the
// token of the query x, the last y token before it, or both, to quantities that a solver of linear
// regression would hold (Akyurek et al. 2023).
//
//   icl::RegressionProbe model(*run.model);
//   const icl::LinearResult result =
//       icl::probe_linear(model, run.config.task, run.config.seed, {.n_points = 40});
//
// Training, validation (which chooses the penalty) and test prompts are different ones. Prompts are
// streamed: only second moments and sums by block of test prompts are kept. Everything is solved in
// closed form in float64. The control has targets that were shuffled among prompts.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "icl/probing/probed_model.h"
#include "icl/probing/results.h"
#include "icl/tasks/task_config.h"

namespace icl {

struct LinearOptions {
  int64_t n_points = 40;  // context points before the query
  int64_t n_train = 4096;
  int64_t n_validation = 1024;
  int64_t n_test = 1024;
  int64_t batch = 64;
  // y, least_squares_weights, moment, ridge_prediction, gd_<iterations>; empty: y alone for a task
  // that is not linear, else all with gd_1, gd_2, gd_4 and gd_8.
  std::vector<std::string> targets;
  int64_t resamples = 2000;
  uint64_t seed = 0;
  c10::Device device = c10::kCPU;
  // Called now and then with the share that is done; may throw to stop.
  std::function<void(double share)> progress = {};
};

// R^2 = 1 - (squared error) / (squared distance from the training mean), summed over the
// coordinates of a target.
LinearResult probe_linear(ProbedModel& model, const TaskConfig& task, int64_t train_seed,
                          const LinearOptions& options);

}  // namespace icl
