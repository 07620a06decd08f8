// SPDX-License-Identifier: Apache-2.0
//
// Rows of B or C brought into shared memory, where all channels of a block read them.
#pragma once

#include "kernels/cuda/device.cuh"

namespace icl::kernels {

// cp.async moves 4 or 8 bytes past the registers. 16-bit values are widened on the way instead and
// take the ordinary path.
template <class T, class S>
__device__ __forceinline__ void copy_async(S* to, const T* from) {
#if defined(__CUDA_ARCH__)
  if constexpr (sizeof(T) == sizeof(S)) {
    const unsigned address = static_cast<unsigned>(__cvta_generic_to_shared(to));
    asm volatile("cp.async.ca.shared.global [%0], [%1], %2;" ::"r"(address), "l"(from),
                 "n"(sizeof(S))
                 : "memory");
  } else {
    *to = widen(*from);
  }
#elif defined(__CUDACC__)
  (void)to, (void)from;
#else
  if constexpr (sizeof(T) == sizeof(S)) {
    emulation::start_copy(to, from, sizeof(S));
  } else {
    *to = widen(*from);
  }
#endif
}

__device__ __forceinline__ void wait_for_copies() {
#if defined(__CUDA_ARCH__)
  asm volatile("cp.async.wait_all;" ::: "memory");
#elif !defined(__CUDACC__)
  emulation::finish_copies();
#endif
}

// to[q * step + n] = rows[(first + q * direction) * stride + n] for q < steps, n < n_state; zero up
// to n = padded and beyond `valid` steps. All threads of the block take part.
template <class T, class S>
__device__ __forceinline__ void stage_rows(S* to, int step, const T* rows, int64_t stride,
                                           int64_t first, int direction, int steps, int64_t valid,
                                           int64_t n_state, int padded) {
  for (int e = threadIdx.x; e < steps * padded; e += blockDim.x) {
    const int q = e / padded, n = e % padded;
    S* place = to + q * step + n;
    if (q < valid && n < n_state) {
      copy_async(place, rows + (first + q * direction) * stride + n);
    } else {
      *place = S(0);
    }
  }
}

}  // namespace icl::kernels
