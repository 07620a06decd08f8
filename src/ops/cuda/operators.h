// SPDX-License-Identifier: Apache-2.0
//
// The operators on a GPU, as register.cpp gives them to the dispatcher: for each of the schemas in
// src/ops/internal.h tensors become the raw pointers of kernels/params.h, and a launcher of
// kernels/cuda/launch.h does the work on ATen's current stream. Tensors for results and scratch
// come from ATen's allocator.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <tuple>

#include "src/ops/internal.h"

namespace torch {
class Library;
}

namespace icl::cuda {

// All of them, under the key of the block that `library` stands for: CUDA in register.cpp.
void register_operators(torch::Library& library);

std::tuple<at::Tensor, at::Tensor, at::Tensor> selective_scan_forward(
    const at::Tensor& u, const at::Tensor& delta, const at::Tensor& A, const at::Tensor& B,
    const at::Tensor& C, const OptionalTensor& D, const OptionalTensor& z,
    const OptionalTensor& delta_bias, bool softplus, const OptionalTensor& initial_state,
    bool save);
std::tuple<at::Tensor, at::Tensor, at::Tensor, at::Tensor, at::Tensor, at::Tensor, at::Tensor,
           at::Tensor, at::Tensor>
selective_scan_backward(const at::Tensor& dy, const OptionalTensor& dlast_state,
                        const at::Tensor& u, const at::Tensor& delta, const at::Tensor& A,
                        const at::Tensor& B, const at::Tensor& C, const OptionalTensor& D,
                        const OptionalTensor& z, const OptionalTensor& delta_bias, bool softplus,
                        const OptionalTensor& initial_state, const at::Tensor& saved);

at::Tensor causal_conv1d(const at::Tensor& x, const at::Tensor& weight, const OptionalTensor& bias,
                         bool silu, const OptionalTensor& initial_state);
std::tuple<at::Tensor, at::Tensor, at::Tensor, at::Tensor> causal_conv1d_backward(
    const at::Tensor& dy, const at::Tensor& x, const at::Tensor& weight, const OptionalTensor& bias,
    bool silu, const OptionalTensor& initial_state);

std::tuple<at::Tensor, at::Tensor> add_rms_norm(const at::Tensor& x, const OptionalTensor& residual,
                                                const at::Tensor& weight, double eps);
std::tuple<at::Tensor, at::Tensor> add_rms_norm_backward(const at::Tensor& dnormed,
                                                         const OptionalTensor& dresidual,
                                                         const at::Tensor& residual,
                                                         const at::Tensor& weight, double eps);

std::tuple<at::Tensor, at::Tensor, at::Tensor> wkv_forward(const at::Tensor& decay,
                                                           const at::Tensor& bonus,
                                                           const at::Tensor& k, const at::Tensor& v,
                                                           const OptionalTensor& state, bool save);
std::tuple<at::Tensor, at::Tensor, at::Tensor, at::Tensor, at::Tensor> wkv_backward(
    const at::Tensor& dy, const OptionalTensor& dlast_state, const at::Tensor& decay,
    const at::Tensor& bonus, const at::Tensor& k, const at::Tensor& v, const OptionalTensor& state,
    const at::Tensor& saved);

at::Tensor s4d_kernel(const at::Tensor& log_dt, const at::Tensor& log_A_real,
                      const at::Tensor& A_imag, const at::Tensor& C, int64_t L);
std::tuple<at::Tensor, at::Tensor, at::Tensor, at::Tensor> s4d_kernel_backward(
    const at::Tensor& dk, const at::Tensor& log_dt, const at::Tensor& log_A_real,
    const at::Tensor& A_imag, const at::Tensor& C);

at::Tensor long_conv(const at::Tensor& u, const at::Tensor& k, const OptionalTensor& D);
std::tuple<at::Tensor, at::Tensor, at::Tensor> long_conv_backward(const at::Tensor& dy,
                                                                  const at::Tensor& u,
                                                                  const at::Tensor& k,
                                                                  const OptionalTensor& D);

}  // namespace icl::cuda
