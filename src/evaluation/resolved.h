// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>
#include <vector>

#include "icl/evaluation/baselines.h"
#include "icl/runs/provenance.h"
#include "icl/tasks/task_config.h"

namespace icl {

// The config of a task, every default filled in.
nlohmann::ordered_json task_json(const TaskConfig& task);

// With the libraries whose numbers the baselines are.
Provenance with_libraries(Provenance from, const std::vector<Baseline>& baselines);

}  // namespace icl
