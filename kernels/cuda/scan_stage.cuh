// SPDX-License-Identifier: Apache-2.0
//
// Rows of B or C brought into shared memory, where all channels of a block read them.
#pragma once

#include "kernels/cuda/device.cuh"

namespace icl::kernels {

// BYTES past the registers: 4 or 8, or 16 where both addresses are multiples of that.
template <int BYTES>
__device__ __forceinline__ void copy_async(void* to, const void* from) {
#if defined(__CUDA_ARCH__)
  const unsigned address = static_cast<unsigned>(__cvta_generic_to_shared(to));
  asm volatile("cp.async.ca.shared.global [%0], [%1], %2;" ::"r"(address), "l"(from), "n"(BYTES)
               : "memory");
#elif defined(__CUDACC__)
  (void)to, (void)from;
#else
  emulation::start_copy(to, from, BYTES);
#endif
}

__device__ __forceinline__ void wait_for_copies() {
#if defined(__CUDA_ARCH__)
  asm volatile("cp.async.wait_all;" ::: "memory");
#elif !defined(__CUDACC__)
  emulation::finish_copies();
#endif
}

// If rows of `n_state` values can be copied by fours.
template <class T>
__device__ __forceinline__ bool rows_in_fours(const T* rows, int64_t stride, int64_t n_state) {
  return sizeof(T) == 4 && n_state % 4 == 0 && stride % 4 == 0 &&
         reinterpret_cast<uintptr_t>(rows) % 16 == 0;
}

// to[q * step + n] = rows[q * stride + n] for q < valid and n < n_state, zero for the other q <
// STEPS and n < PADDED. All threads of the block take part. 16-bit values are widened on the way
// and so pass through registers.
template <int STEPS, int PADDED, class T, class S>
__device__ __forceinline__ void stage_rows(S* to, int step, const T* rows, int64_t stride,
                                           int valid, int n_state, bool in_fours) {
  if constexpr (sizeof(T) == 4) {
    if (in_fours) {
      for (int e = threadIdx.x; e < STEPS * PADDED / 4; e += blockDim.x) {
        const int q = e / (PADDED / 4), n = e % (PADDED / 4) * 4;
        S* place = to + q * step + n;
        if (q < valid && n < n_state) {
          copy_async<16>(place, rows + q * stride + n);
        } else {
          *reinterpret_cast<Vec4<S>*>(place) = {};
        }
      }
      return;
    }
  }
  for (int e = threadIdx.x; e < STEPS * PADDED; e += blockDim.x) {
    const int q = e / PADDED, n = e % PADDED;
    S* place = to + q * step + n;
    if (q < valid && n < n_state) {
      if constexpr (sizeof(T) == sizeof(S)) {
        copy_async<sizeof(S)>(place, rows + q * stride + n);
      } else {
        *place = widen(rows[q * stride + n]);
      }
    } else {
      *place = S(0);
    }
  }
}

}  // namespace icl::kernels
