// SPDX-License-Identifier: Apache-2.0
//
// icl-bench eval: what branching the state at every point saves when each query sees other context
// than the next one.
#pragma once

#include "icl/cli/program.h"

namespace icl {

// Times one pass against one forward pass for each of 200 points, for every family. Results go to
// stdout, as JSON with --json. Returns the exit code.
int bench_eval(const CommonOptions& common);

}  // namespace icl
