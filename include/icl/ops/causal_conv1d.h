// SPDX-License-Identifier: Apache-2.0
//
// Depthwise causal convolution of a short filter along the sequence, with optional bias and SiLU.
//
//   y[b,l,i] = act(bias[i] + sum_j weight[i,j] x[b, l - (W-1) + j, i]),   act = silu or identity
//
//   at::Tensor y = icl::causal_conv1d(at::randn({8, 81, 512}), at::randn({512, 4}));
//
// Rows before the first come from `initial_state`, oldest first, or are zero. To continue a
// sequence, pass the last W-1 rows of its input.
#pragma once

#include <ATen/core/Tensor.h>

#include <optional>

namespace icl {

inline constexpr char kCausalConv1dSchema[] =
    "causal_conv1d(Tensor x, Tensor weight, Tensor? bias=None, bool silu=False, "
    "Tensor? initial_state=None) -> Tensor y";

// x [B, L, I]; weight [I, W], 1 <= W <= 64; bias [I]; initial_state [B, W-1, I] -> y [B, L, I].
//
// Types: all float32 or all float64; on CUDA x and initial_state (and y) may be float16 or bfloat16
// beside float32 weight and bias. Views with evenly spaced contiguous rows are read in place.
// Differentiable once in every tensor argument. Throws UsageError naming the argument.
at::Tensor causal_conv1d(const at::Tensor& x, const at::Tensor& weight,
                         const std::optional<at::Tensor>& bias = {}, bool silu = false,
                         const std::optional<at::Tensor>& initial_state = {});

// The same by ordinary tensor operations, differentiable any number of times.
at::Tensor causal_conv1d_reference(const at::Tensor& x, const at::Tensor& weight,
                                   const std::optional<at::Tensor>& bias = {}, bool silu = false,
                                   const std::optional<at::Tensor>& initial_state = {});

}  // namespace icl
