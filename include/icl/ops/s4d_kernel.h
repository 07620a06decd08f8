// SPDX-License-Identifier: Apache-2.0
//
// The convolution kernel of a diagonal state space model (S4D; Gu, Gupta, Goel and Re 2022,
// zero-order hold), from N/2 of its N complex modes, the other half being their conjugates.
//
//   dt = exp(log_dt), A = -exp(log_A_real) + i A_imag
//   k[h,l] = 2 Re sum_n C[h,n] (exp(dt A) - 1) / A exp(dt A l),   l = 0 .. L-1
//
//   at::Tensor k = icl::s4d_kernel(log_dt, log_A_real, A_imag, C, 82);
//   at::Tensor y = icl::long_conv(u, k, D);
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace icl {

inline constexpr char kS4dKernelSchema[] =
    "s4d_kernel(Tensor log_dt, Tensor log_A_real, Tensor A_imag, Tensor C, int L) -> Tensor k";

// log_dt [H]; log_A_real, A_imag [H, N/2]; C [H, N/2, 2] (real, imaginary); L >= 0 -> k [H, L].
// All float32 or all float64. Memory H (N + L), never H N L.
// Differentiable once in every tensor argument. Throws UsageError naming the argument.
at::Tensor s4d_kernel(const at::Tensor& log_dt, const at::Tensor& log_A_real,
                      const at::Tensor& A_imag, const at::Tensor& C, int64_t L);

// The same by ordinary tensor operations (memory H N L), differentiable any number of times.
at::Tensor s4d_kernel_reference(const at::Tensor& log_dt, const at::Tensor& log_A_real,
                                const at::Tensor& A_imag, const at::Tensor& C, int64_t L);

}  // namespace icl
