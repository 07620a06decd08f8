// SPDX-License-Identifier: Apache-2.0
//
// How many prompts go through a model side by side. Library matrix products choose their kernels by
// shape, and kernels round differently: where the shape is the same for every chunk, the last one
// padded, the same prompt gives the same bytes alone or among others.
//
//   const int64_t rows = icl::chunk_rows(model, /*tokens=*/82);
//   for (int64_t first = 0; first < xs_BKD.size(0); first += rows) {
//     const at::Tensor some_BKD = icl::rows_of(xs_BKD, first, rows);   // always `rows` prompts
//   }
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "icl/models/regression_model.h"

namespace icl {

// 64; on a CPU fewer, a power of two, where 64 prompts of `tokens` tokens would take longer than
// about a second. Depends on nothing but the model, its device and `tokens`.
int64_t chunk_rows(const RegressionModel& model, int64_t tokens);

// Rows first .. first + rows - 1; where the tensor ends before, its last row stands for those
// missing.
at::Tensor rows_of(const at::Tensor& whole, int64_t first, int64_t rows);

}  // namespace icl
