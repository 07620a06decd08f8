// SPDX-License-Identifier: Apache-2.0
//
// The convolution kernel of S4D (include/icl/ops/s4d_kernel.h): its kernels for the CPU and for
// CUDA.
#pragma once

#include "kernels/kernel.h"

namespace icl::kernels {

// See icl/ops/s4d_kernel.h; `modes` is N/2.
template <class S>
struct S4dKernelParams {
  int64_t channels, modes, length;  // H, N/2, L
  const S* log_dt;                  // [H]
  const S* log_A_real;              // [H, N/2]
  const S* A_imag;                  // [H, N/2]
  const S* C;                       // [H, N/2, 2]
  S* k;                             // [H, L]
};

template <class S>
struct S4dKernelGradParams {
  S4dKernelParams<S> forward;  // k null
  const S* dk;                 // [H, L]
  S* dlog_dt;                  // [H]
  S* dlog_A_real;              // [H, N/2]
  S* dA_imag;                  // [H, N/2]
  S* dC;                       // [H, N/2, 2]
};

// CUDA
template <class S>
int s4d_kernel(const S4dKernelParams<S>& params, Stream stream);
template <class S>
int s4d_kernel_grad(const S4dKernelGradParams<S>& params, Stream stream);

}  // namespace icl::kernels

namespace icl::kernels::cpu {

// Blocks: the H channels. Computed in float64 for either type.
template <class T>
void s4d_kernel_forward(const S4dKernelParams<T>& params, int64_t begin, int64_t end);
template <class T>
void s4d_kernel_backward(const S4dKernelGradParams<T>& params, int64_t begin, int64_t end);

}  // namespace icl::kernels::cpu
