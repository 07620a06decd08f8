// SPDX-License-Identifier: Apache-2.0
#include "icl/probing/probe_prompts.h"

#include <ATen/ATen.h>

#include "icl/tasks/task_sampler.h"

namespace icl {

ProbePrompts sample_probe_prompts(const TaskConfig& task, int64_t train_seed,
                                  const ProbePromptCounts& counts, const RandomStream& stream) {
  InputConfig inputs = task.inputs;
  const std::optional<Inputs> last_point = inputs.distribution->last_point();
  // Context and queries are drawn apart, with the rotation of the training run or one of their own.
  const RandomStream rotation = inputs.distribution->rotates_once()
                                    ? rotation_of_run(static_cast<uint64_t>(train_seed))
                                    : stream.child("rotation");
  const auto draw = [&](int64_t n_points, const RandomStream& own) {
    return sample_inputs(inputs, {.batch_size = counts.prompts,
                                  .n_points = n_points,
                                  .n_dims = task.n_dims,
                                  .stream = own,
                                  .rotation = rotation});
  };
  // A last point of another kind is not part of the context.
  const at::Tensor xs = draw(counts.context + (last_point ? 1 : 0), stream.child("context"));
  if (last_point) inputs.distribution = *last_point;
  ProbePrompts prompts;
  prompts.xs_BKD = xs.narrow(1, 0, counts.context).contiguous();
  prompts.queries_BQD = draw(counts.queries, stream.child("queries"));
  const Functions functions(task, stream.child("functions"), counts.prompts, task.n_dims);
  const at::Tensor ys = functions.observe(at::cat({prompts.xs_BKD, prompts.queries_BQD}, 1));
  prompts.ys_BK = ys.narrow(1, 0, counts.context).contiguous();
  prompts.ys_BQ = ys.narrow(1, counts.context, counts.queries).contiguous();
  return prompts;
}

}  // namespace icl
