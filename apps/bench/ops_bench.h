// SPDX-License-Identifier: Apache-2.0
//
// icl-bench ops: the operators' times beside those of their references.
#pragma once

#include "icl/cli/program.h"

namespace icl {

// Times every operator forward, and forward with backward. The selective scan is compared with
//  (a) `sliced`: the recurrence as mamba-ssm's reference writes it, [B, I, L, N] sliced in a loop,
//  (b) `unbind`: the same, with its steps taken apart at once,
//  (c) `reference`: this library's, which also keeps time before width.
// Results go to stdout, as JSON with --json. Returns the exit code.
int bench_ops(const CommonOptions& common);

}  // namespace icl
