// SPDX-License-Identifier: Apache-2.0
//
// Argument checks of the operators, one function each, shared by every implementation (CPU, CUDA,
// shapes only, reference). Each throws UsageError naming operator, argument, what it was and what
// it should be.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>

namespace icl {

inline bool has(const std::optional<at::Tensor>& tensor) {
  return tensor && tensor->defined();
}

// Type of parameters and states beside activations of this type: float32 for float16 and bfloat16,
// else the same.
at::ScalarType state_type(at::ScalarType activation);

void check_selective_scan(const at::Tensor& u, const at::Tensor& delta, const at::Tensor& A,
                          const at::Tensor& B, const at::Tensor& C,
                          const std::optional<at::Tensor>& D, const std::optional<at::Tensor>& z,
                          const std::optional<at::Tensor>& delta_bias,
                          const std::optional<at::Tensor>& initial_state);
// Of selective_scan_queries, beside the above.
void check_is_query(const at::Tensor& is_query, const at::Tensor& u);
void check_causal_conv1d(const at::Tensor& x, const at::Tensor& weight,
                         const std::optional<at::Tensor>& bias,
                         const std::optional<at::Tensor>& initial_state);
void check_add_rms_norm(const at::Tensor& x, const std::optional<at::Tensor>& residual,
                        const at::Tensor& weight, double eps);
void check_wkv(const at::Tensor& decay, const at::Tensor& bonus, const at::Tensor& k,
               const at::Tensor& v, const std::optional<at::Tensor>& state);
void check_s4d_kernel(const at::Tensor& log_dt, const at::Tensor& log_A_real,
                      const at::Tensor& A_imag, const at::Tensor& C, int64_t L);
void check_long_conv(const at::Tensor& u, const at::Tensor& k, const std::optional<at::Tensor>& D);

// The kernels of a device that was not compiled in, or that has none of this type, would give an
// obscure error: refuse half precision on the CPU here. Called by the CPU implementations.
void check_cpu_type(const char* where, const char* name, const at::Tensor& activation);

}  // namespace icl
