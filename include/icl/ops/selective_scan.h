// SPDX-License-Identifier: Apache-2.0
//
// The selective scan of Mamba (Gu and Dao 2023, algorithm 2): a linear recurrence whose step size,
// input and output vary with the token. Softplus, skip connection and SiLU gate are part of it.
//
//   dt[b,l,i]  = delta + delta_bias, through softplus (linear beyond 20) if `delta_softplus`
//   h[b,l,i,n] = exp(dt[b,l,i] A[i,n]) h[b,l-1,i,n] + dt[b,l,i] u[b,l,i] B[b,l,n]
//   y[b,l,i]   = (sum_n C[b,l,n] h[b,l,i,n] + D[i] u[b,l,i]) silu(z[b,l,i])
//
//   at::Tensor u = at::randn({8, 81, 512}), delta = at::rand({8, 81, 512});
//   at::Tensor A = -at::rand({512, 16}), B = at::randn({8, 81, 16}), C = at::randn({8, 81, 16});
//   auto [y, last_state] = icl::selective_scan(u, delta, A, B, C);
//
// A sequence may be cut anywhere: passing `last_state` on as `initial_state` continues it.
#pragma once

#include <ATen/core/Tensor.h>

#include <optional>
#include <tuple>

namespace icl {

inline constexpr char kSelectiveScanSchema[] =
    "selective_scan(Tensor u, Tensor delta, Tensor A, Tensor B, Tensor C, Tensor? D=None, "
    "Tensor? z=None, Tensor? delta_bias=None, bool delta_softplus=False, "
    "Tensor? initial_state=None) -> (Tensor y, Tensor last_state)";

// u, delta, z [B, L, I]; A [I, N]; B, C [B, L, N]; D, delta_bias [I]; initial_state [B, I, N]
// -> y [B, L, I], last_state [B, I, N]. Sizes may be 0 but N is 1 .. 256; no initial state means
// zeros.
//
// Types: all float32 or all float64; on CUDA u, delta, B, C, z (and y) may be float16 or bfloat16
// beside float32 A, D, delta_bias, states. Strided views are accepted: those whose rows [I] or [N]
// lie contiguous and evenly spaced are read in place, others are copied first.
//
// Differentiable once in every tensor argument, through both results; for a second derivative use
// the reference. Bit-identical from run to run, for any number of threads.
// Throws UsageError naming the argument for a wrong shape, type or device.
std::tuple<at::Tensor, at::Tensor> selective_scan(
    const at::Tensor& u, const at::Tensor& delta, const at::Tensor& A, const at::Tensor& B,
    const at::Tensor& C, const std::optional<at::Tensor>& D = {},
    const std::optional<at::Tensor>& z = {}, const std::optional<at::Tensor>& delta_bias = {},
    bool delta_softplus = false, const std::optional<at::Tensor>& initial_state = {});

// The same by ordinary tensor operations, one step after the other: slow, memory B L I N,
// differentiable any number of times.
std::tuple<at::Tensor, at::Tensor> selective_scan_reference(
    const at::Tensor& u, const at::Tensor& delta, const at::Tensor& A, const at::Tensor& B,
    const at::Tensor& C, const std::optional<at::Tensor>& D = {},
    const std::optional<at::Tensor>& z = {}, const std::optional<at::Tensor>& delta_bias = {},
    bool delta_softplus = false, const std::optional<at::Tensor>& initial_state = {});

// The scan over a sequence some of whose steps are queries: a query's y is what it would be if the
// sequence of the other steps were cut there and the query put at its end. Queries leave the state
// alone. `is_query` bool [L] on the CPU, the rest as above. On the CPU only, without gradients; of
// the same exactness as selective_scan.
at::Tensor selective_scan_queries(const at::Tensor& is_query, const at::Tensor& u,
                                  const at::Tensor& delta, const at::Tensor& A, const at::Tensor& B,
                                  const at::Tensor& C, const std::optional<at::Tensor>& D = {},
                                  const std::optional<at::Tensor>& z = {},
                                  const std::optional<at::Tensor>& delta_bias = {},
                                  bool delta_softplus = false);

// The same by ordinary tensor operations: on any device, differentiable any number of times.
at::Tensor selective_scan_queries_reference(const at::Tensor& is_query, const at::Tensor& u,
                                            const at::Tensor& delta, const at::Tensor& A,
                                            const at::Tensor& B, const at::Tensor& C,
                                            const std::optional<at::Tensor>& D = {},
                                            const std::optional<at::Tensor>& z = {},
                                            const std::optional<at::Tensor>& delta_bias = {},
                                            bool delta_softplus = false);

}  // namespace icl
