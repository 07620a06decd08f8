// SPDX-License-Identifier: Apache-2.0
//
// Adds a block's output to the residual stream and normalises the sum (RMSNorm, Zhang and Sennrich
// 2019) in one pass.
//
//   residual' = x + residual
//   normed    = residual' / sqrt(mean(residual'^2) + eps) * weight      over the last dimension
//
//   auto [normed, residual] = icl::add_rms_norm(x, previous_residual, weight, 1e-5);
#pragma once

#include <ATen/core/Tensor.h>

#include <optional>
#include <tuple>

namespace icl {

inline constexpr char kAddRmsNormSchema[] =
    "add_rms_norm(Tensor x, Tensor? residual, Tensor weight, float eps) -> "
    "(Tensor normed, Tensor residual)";

// x, residual [..., M]; weight [M]; eps >= 0 -> normed [..., M], residual [..., M].
// Without a residual, the returned one is a copy of x.
//
// Types: all float32 or all float64; on CUDA x (and normed) may be float16 or bfloat16 beside
// float32 weight and residual: the returned residual is then float32.
// Differentiable once in every tensor argument. Throws UsageError naming the argument.
std::tuple<at::Tensor, at::Tensor> add_rms_norm(const at::Tensor& x,
                                                const std::optional<at::Tensor>& residual,
                                                const at::Tensor& weight, double eps);

// The same by ordinary tensor operations, differentiable any number of times.
std::tuple<at::Tensor, at::Tensor> add_rms_norm_reference(const at::Tensor& x,
                                                          const std::optional<at::Tensor>& residual,
                                                          const at::Tensor& weight, double eps);

}  // namespace icl
