// SPDX-License-Identifier: Apache-2.0
//
// Small parts of the CPU implementations.
#pragma once

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include "kernels/cpu/kernels.h"
#include "src/ops/data.h"

namespace icl::ops {

// Shares the blocks [0, count) out among the threads.
template <class Work>
void for_blocks(int64_t count, const Work& work) {
  at::parallel_for(0, count, /*grain_size=*/1, work);
}

// parts [count, ...] -> their sum in order.
template <class T>
at::Tensor sum_in_order(const at::Tensor& parts) {
  const at::Tensor sum = at::empty(parts.sizes().slice(1), parts.options());
  at::parallel_for(0, sum.numel(), /*grain_size=*/4096, [&](int64_t begin, int64_t end) {
    kernels::cpu::sum_parts<T>(parts.const_data_ptr<T>(), parts.size(0), sum.numel(),
                               sum.data_ptr<T>(), begin, end);
  });
  return sum;
}

}  // namespace icl::ops
