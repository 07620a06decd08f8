// SPDX-License-Identifier: Apache-2.0
#include "icl/probing/probe_prompts.h"

#include <ATen/ATen.h>

#include "icl/tasks/task_sampler.h"

namespace icl {

ProbePrompts sample_probe_prompts(const TaskConfig& task, int64_t train_seed,
                                  const ProbePromptCounts& counts, const RandomStream& stream) {
  // Context and queries are drawn apart, with the rotation of the training run or one of their own.
  InputConfig inputs = task.inputs;
  RandomStream rotation = stream.child("rotation");
  if (inputs.rotation == "fixed") {
    rotation = rotation_of_run(static_cast<uint64_t>(train_seed));
  }
  inputs.rotation = "fixed";
  const int64_t n_dims = task.n_dims;
  const bool quadrants = inputs.distribution == "random_quadrants";
  // Of random quadrants the last point is free, and not part of the context.
  const at::Tensor xs = sample_inputs(inputs, n_dims, stream.child("context"), rotation,
                                      counts.prompts, counts.context + (quadrants ? 1 : 0), n_dims);
  if (quadrants) inputs.distribution = "gaussian";
  ProbePrompts prompts;
  prompts.xs_BKD = xs.narrow(1, 0, counts.context).contiguous();
  prompts.queries_BQD = sample_inputs(inputs, n_dims, stream.child("queries"), rotation,
                                      counts.prompts, counts.queries, n_dims);
  const Functions functions(task, stream.child("functions"), counts.prompts, n_dims);
  const at::Tensor ys = functions.observe(at::cat({prompts.xs_BKD, prompts.queries_BQD}, 1));
  prompts.ys_BK = ys.narrow(1, 0, counts.context).contiguous();
  prompts.ys_BQ = ys.narrow(1, counts.context, counts.queries).contiguous();
  return prompts;
}

bool is_linear_task(const TaskConfig& task) {
  return task.function == "linear_regression" || task.function == "noisy_linear_regression" ||
         task.function == "sparse_linear_regression";
}

}  // namespace icl
