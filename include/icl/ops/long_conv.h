// SPDX-License-Identifier: Apache-2.0
//
// Causal convolution of each channel with a filter as long as the sequence, and a skip connection.
//
//   y[b,l,h] = sum_{j<=l} k[h,j] u[b,l-j,h] + D[h] u[b,l,h]
//
//   at::Tensor y = icl::long_conv(at::randn({8, 82, 64}), at::randn({64, 82}));
//
// Short sequences are convolved directly, long ones by fast Fourier transforms.
#pragma once

#include <ATen/core/Tensor.h>

#include <optional>

namespace icl {

inline constexpr char kLongConvSchema[] =
    "long_conv(Tensor u, Tensor k, Tensor? D=None) -> Tensor y";

// u [B, L, H]; k [H, L]; D [H] -> y [B, L, H].
// Types: all float32 or all float64; on CUDA u (and y) may be float16 or bfloat16 beside float32 k
// and D. Differentiable once in every tensor argument. Throws UsageError naming the argument.
at::Tensor long_conv(const at::Tensor& u, const at::Tensor& k,
                     const std::optional<at::Tensor>& D = {});

// The same by Fourier transforms of ordinary tensor operations, differentiable any number of times.
at::Tensor long_conv_reference(const at::Tensor& u, const at::Tensor& k,
                               const std::optional<at::Tensor>& D = {});

}  // namespace icl
