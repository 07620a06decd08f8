// SPDX-License-Identifier: Apache-2.0
//
// Draws prompts and lets a model predict, through the installed headers alone.
#include <ATen/ATen.h>

#include <cstdio>

#include "icl/base/error.h"
#include "icl/models/regression_model.h"
#include "icl/tasks/task_sampler.h"

int main() {
  icl::TaskConfig task;
  task.n_dims = 3;
  const icl::Batch batch = icl::TaskSampler(task, /*seed=*/1)
                               .sample({.step = 0, .batch_size = 2, .n_points = 5, .n_dims = 3});

  icl::ModelConfig config;
  config.family = "gpt2";
  config.d_model = 16;
  config.n_layer = 1;
  config.n_head = 2;
  icl::RegressionModel model(config, task.n_dims);
  const at::Tensor predictions_BK = model.predict(batch.xs_BKD, batch.ys_BK);
  if (predictions_BK.sizes() != batch.ys_BK.sizes()) return 1;

  try {
    config.family = "gpt3";
    icl::RegressionModel(config, 3);
    return 1;
  } catch (const icl::UsageError& error) {
    std::printf("refused: %s\n", error.what());
  }
  std::printf("predicted %lld values\n", static_cast<long long>(predictions_BK.numel()));
  return 0;
}
