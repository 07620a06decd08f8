// SPDX-License-Identifier: Apache-2.0
//
// The quantities that linear probes look for.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "icl/probing/probe_prompts.h"
#include "icl/tasks/task_config.h"

namespace icl::probing {

// Names asked for, or the default ones of the task. Throws UsageError for an unknown one, and for a
// solver's quantity where the task is not linear.
std::vector<std::string> target_names(const TaskConfig& task, std::vector<std::string> names);

// One float64 tensor [B, dimensions of the target] for each name; prompts with one query each.
std::vector<at::Tensor> target_values(const std::vector<std::string>& names,
                                      const ProbePrompts& prompts);

}  // namespace icl::probing
