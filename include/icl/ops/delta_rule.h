// SPDX-License-Identifier: Apache-2.0
//
// The linear recurrence with a state matrix S [K, V] in each head that linear attention, Mamba-2
// (Dao and Gu 2024), DeltaNet (Schlag, Irie and Schmidhuber 2021; Yang et al. 2024), gated DeltaNet
// (Yang, Kautz and Hatamizadeh 2025), DeltaProduct (Siems et al. 2025) and RWKV-7 (Peng et al.
// 2025) have in common. For each prompt and head, token after token:
//
//   S <- diag(exp(log_decay)) S + a (b^T S) + k v^T        b^T S reads the state before the decay
//   y  = scale S^T q
//
//   at::Tensor q = at::randn({8, 82, 4, 16}), k = at::randn({8, 82, 4, 16});
//   at::Tensor v = at::randn({8, 82, 4, 32}), log_decay = -at::rand({8, 82, 4});
//   auto [y, last_state] = icl::delta_rule(q, k, v, log_decay);  // linear attention with decay
//
//   model            arguments
//   Mamba-2          q = C, k = B, v = dt x, log_decay = dt A; neither a nor b
//   DeltaNet         a = -beta k, b = k, v = beta v; log_decay = 0
//   gated DeltaNet   a = -exp(log_decay) beta k, b = k, v = beta v
//   RWKV-7           a = -kk * a, b = kk, log_decay [B, L, H, K]
//
// A sequence may be cut anywhere: passing `last_state` on as `initial_state` continues it.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <tuple>

namespace icl {

inline constexpr char kDeltaRuleSchema[] =
    "delta_rule(Tensor q, Tensor k, Tensor v, Tensor log_decay, Tensor? a=None, Tensor? b=None, "
    "float scale=1.0, Tensor? initial_state=None) -> (Tensor y, Tensor last_state)";

// q, k [B, L, G, K], where G divides H: head h reads group h / (H / G); v [B, L, H, V];
// log_decay [B, L, H], one decay for the head, or [B, L, H, K], one for each row of the state, at
// most 0 (-inf forgets the state); a, b [B, L, H, K], both or neither; initial_state [B, H, K, V]
// -> y [B, L, H, V], last_state [B, H, K, V]. K and V are at least 1, the other sizes may be 0; no
// initial state means zeros.
//
// Types: all float32 or all float64. On CUDA q, k, v, a, b (and y) may be float16 or bfloat16
// beside float32 log_decay and states. Strided views whose [G, K] or [H, V] rows lie contiguous and
// evenly spaced are read in place, others are copied first.
//
// Differentiable once in every tensor argument, through both results; for a second derivative use
// the reference. No decay is divided by, in values or gradients, so a decay may underflow to zero.
// The same bits from run to run, for any number of threads and for any other prompts in the batch.
// Throws UsageError naming the argument for a wrong shape, type or device.
std::tuple<at::Tensor, at::Tensor> delta_rule(const at::Tensor& q, const at::Tensor& k,
                                              const at::Tensor& v, const at::Tensor& log_decay,
                                              const std::optional<at::Tensor>& a = {},
                                              const std::optional<at::Tensor>& b = {},
                                              double scale = 1,
                                              const std::optional<at::Tensor>& initial_state = {});

// The same by ordinary tensor operations, one token after the other as in the formula above:
// differentiable any number of times. Memory grows with B L H K V where gradients are wanted.
std::tuple<at::Tensor, at::Tensor> delta_rule_reference(
    const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const at::Tensor& log_decay,
    const std::optional<at::Tensor>& a = {}, const std::optional<at::Tensor>& b = {},
    double scale = 1, const std::optional<at::Tensor>& initial_state = {});

// The same by products of matrices within chunks of `chunk` tokens (Yang et al. 2024, section 3,
// for any a and b): a second, independent form. Differences of summed decays stay at most 0, so
// nothing overflows. Memory grows with B L H (chunk K + V).
std::tuple<at::Tensor, at::Tensor> delta_rule_chunked(
    const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const at::Tensor& log_decay,
    const std::optional<at::Tensor>& a = {}, const std::optional<at::Tensor>& b = {},
    double scale = 1, const std::optional<at::Tensor>& initial_state = {}, int64_t chunk = 16);

}  // namespace icl
