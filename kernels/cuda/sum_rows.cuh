// SPDX-License-Identifier: Apache-2.0
//
// Adds up partial results: out[outer, j] = sum_r in[outer, r, j], the same order every time. Each
// gradient shared by many blocks ends here instead of in atomic additions, whose order varies.
// Bound by memory. Surprise: a block takes 32 columns times 8 groups of rows, because the columns
// alone (a parameter's elements) rarely fill a GPU.
#pragma once

#include "kernels/cuda/device.cuh"

namespace icl::kernels {

constexpr int kSumColumns = 32;
constexpr int kSumGroups = 8;

template <class S>
__global__ void sum_rows_kernel(const S* in, S* out, int64_t rows, int64_t columns) {
  ICL_SHARED(S, sums, kSumColumns * kSumGroups);
  const int64_t tiles = ceil_div(columns, kSumColumns);
  const int64_t outer = blockIdx.x / tiles;
  const int lane = threadIdx.x % kSumColumns, group = threadIdx.x / kSumColumns;
  const int64_t column = blockIdx.x % tiles * kSumColumns + lane;
  S sum = 0;
  if (column < columns) {
    const S* place = in + outer * rows * columns + column;
    for (int64_t row = group; row < rows; row += kSumGroups) sum += place[row * columns];
  }
  sums[group * kSumColumns + lane] = sum;
  __syncthreads();
  if (group != 0 || column >= columns) return;
  for (int g = 1; g < kSumGroups; ++g) sum += sums[g * kSumColumns + lane];
  out[outer * columns + column] = sum;
}

template <class S>
int sum_rows(const S* in, S* out, int64_t outer, int64_t rows, int64_t columns,
             cudaStream_t stream) {
  if (outer * columns == 0) return 0;
  return launch(sum_rows_kernel<S>, blocks_1d(outer * ceil_div(columns, kSumColumns)),
                kSumColumns * kSumGroups, 0, stream, in, out, rows, columns);
}

}  // namespace icl::kernels
