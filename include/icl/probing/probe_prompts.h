// SPDX-License-Identifier: Apache-2.0
//
// Prompts for probes: a context and queries that share one function and one covariance.
//
//   ProbePrompts prompts = sample_probe_prompts(config.task, seed, {.prompts = 64}, stream);
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "icl/base/random.h"
#include "icl/config/task_config.h"

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

// From the task's own distributions, functions always fresh. Queries of random quadrants are free.
// `train_seed` is the run's: a fixed rotation is the one that it was trained with.
ProbePrompts sample_probe_prompts(const TaskConfig& task, int64_t train_seed,
                                  const ProbePromptCounts& counts, const RandomStream& stream);

// Whether the functions are linear in x, so that the solvers of linear regression apply.
bool is_linear_task(const TaskConfig& task);

}  // namespace icl
