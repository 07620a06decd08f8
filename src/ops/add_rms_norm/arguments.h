// SPDX-License-Identifier: Apache-2.0
//
// The check of the arguments of icl::add_rms_norm.
#pragma once

#include "kernels/add_rms_norm.h"
#include "src/ops/data.h"

namespace icl::ops {

void check_add_rms_norm(const at::Tensor& x, const OptionalTensor& residual,
                        const at::Tensor& weight, double eps);

}  // namespace icl::ops
