// SPDX-License-Identifier: Apache-2.0
//
// Prompts for probes: a context and queries that share one function and one covariance.
//
//   const icl::ProbePrompts prompts = icl::sample_probe_prompts(
//       config.task, /*train_seed=*/1, {.prompts = 64}, icl::RandomStream(0, "probe"));
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "icl/base/random.h"
#include "icl/tasks/task_config.h"

namespace icl {

struct ProbePrompts {
  at::Tensor xs_BKD, ys_BK;       // context
  at::Tensor queries_BQD, ys_BQ;  // queries and their targets
};

struct ProbePromptCounts {
  int64_t prompts = 64;
  int64_t context = 40;
  int64_t queries = 30;
};

// From the task's own distributions, functions always fresh. Where the last point of a prompt is
// drawn otherwise than the points before, queries are drawn as it is. `train_seed` is the run's: a
// rotation that is kept for the whole run is the one that the model was trained with.
ProbePrompts sample_probe_prompts(const TaskConfig& task, int64_t train_seed,
                                  const ProbePromptCounts& counts, const RandomStream& stream);

}  // namespace icl
