// SPDX-License-Identifier: Apache-2.0
//
// config.yaml of the paper's Python code as a config of ours.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "icl/runs/run_config.h"

namespace icl {

// Every problem becomes a line of `problems` (the result is then of no use), every unknown key one
// of `warnings`.
RunConfig read_python_config(const std::filesystem::path& file, std::vector<std::string>& problems,
                             std::vector<std::string>& warnings);

}  // namespace icl
