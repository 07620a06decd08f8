// SPDX-License-Identifier: Apache-2.0
//
// icl-bench train: how long a training step takes.
#pragma once

#include <string>

#include "icl/cli/program.h"

namespace icl {

// Times whole steps (sampling, forward, backward, optimizer) of the quickstart's models and of the
// paper's standard Mamba and GPT-2 (or of the model of a config file), at the curriculum's final
// size, and on the CPU the share of them spent in the operators of icl_ops. Results go to stdout,
// as JSON with --json. Returns the exit code.
int bench_train(const CommonOptions& common, const std::string& config_file);

}  // namespace icl
