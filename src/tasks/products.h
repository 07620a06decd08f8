// SPDX-License-Identifier: Apache-2.0
//
// Matrix products whose sums always run in the same order: a library's may depend on the number of
// threads, and with them the data.
#pragma once

#include <ATen/core/Tensor.h>

namespace icl::functions {

// float32 [B, R, D] times [B, D, C] or, for all prompts alike, [1, D, C]: [B, R, C].
at::Tensor product(const at::Tensor& a_BRD, const at::Tensor& b_BDC);

// Uniform on the orthogonal group: the rows of a Gaussian matrix made orthonormal, one after the
// other. float64 in and out, [D, D].
at::Tensor orthonormal_rows(const at::Tensor& gaussian_DD);

}  // namespace icl::functions
