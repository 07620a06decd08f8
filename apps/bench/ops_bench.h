// SPDX-License-Identifier: Apache-2.0
//
// icl-bench ops: the operators' times beside those of their references.
#pragma once

#include "icl/cli/program.h"

namespace icl {

// Times every operator forward, and forward with backward. The selective scan is compared with
//  (a) `sliced`: the recurrence as it is usually written, [B, I, L, N] tensors sliced in a loop,
//  (b) `unbind`: the reference of this library, which takes the steps apart at once.
// Results go to stdout, as JSON with --json. Returns the exit code.
int bench_ops(const CommonOptions& common);

}  // namespace icl
