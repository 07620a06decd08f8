// SPDX-License-Identifier: Apache-2.0
//
// The time mixing of RWKV-4 (Peng et al. 2023, equation 14): an exponentially decaying weighted
// mean of the values, channel by channel, of any length.
//
//               sum_{i<t} exp((t-1-i) decay + k_i) v_i + exp(bonus + k_t) v_t
//   y[b,t,c] =  -------------------------------------------------------------
//               sum_{i<t} exp((t-1-i) decay + k_i)     + exp(bonus + k_t)
//
//   at::Tensor decay = -at::exp(time_decay);
//   auto [y, state] = icl::wkv(decay, time_first, k, v);
//
// The sums are kept relative to a running maximum so that no exponential overflows: the state's
// three rows are numerator, denominator (both divided by exp(maximum)) and maximum. Passing the
// returned state on continues the sequence.
#pragma once

#include <ATen/core/Tensor.h>

#include <optional>
#include <tuple>

namespace icl {

inline constexpr char kWkvSchema[] =
    "wkv(Tensor decay, Tensor bonus, Tensor k, Tensor v, Tensor? state=None) -> "
    "(Tensor y, Tensor state)";

// The maximum row of a state that has seen nothing (its other rows are zero).
inline constexpr double kWkvEmptyMaximum = -1e38;

// decay, bonus [C], decay added once per step (negative, -exp(time_decay)); k, v [B, L, C];
// state [B, 3, C] -> y [B, L, C], state [B, 3, C].
//
// Types: all float32 or all float64; on CUDA k, v (and y) may be float16 or bfloat16 beside float32
// decay, bonus and state. Differentiable once in every tensor argument, through both results.
// Throws UsageError naming the argument.
std::tuple<at::Tensor, at::Tensor> wkv(const at::Tensor& decay, const at::Tensor& bonus,
                                       const at::Tensor& k, const at::Tensor& v,
                                       const std::optional<at::Tensor>& state = {});

// The same by ordinary tensor operations, one step after the other; differentiable any number of
// times.
std::tuple<at::Tensor, at::Tensor> wkv_reference(const at::Tensor& decay, const at::Tensor& bonus,
                                                 const at::Tensor& k, const at::Tensor& v,
                                                 const std::optional<at::Tensor>& state = {});

}  // namespace icl
