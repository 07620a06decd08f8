// SPDX-License-Identifier: Apache-2.0
#include <ATen/ATen.h>

#include "icl/ops/s4d_kernel.h"
#include "src/ops/s4d_kernel/arguments.h"

namespace icl {

at::Tensor s4d_kernel_reference(const at::Tensor& log_dt, const at::Tensor& log_A_real,
                                const at::Tensor& A_imag, const at::Tensor& C, int64_t L) {
  ops::check_s4d_kernel(log_dt, log_A_real, A_imag, C, L);
  const at::Tensor A = at::complex(-at::exp(log_A_real), A_imag);  // [H, N/2]
  const at::Tensor step = at::exp(log_dt).unsqueeze(-1) * A;       // [H, N/2]
  const at::Tensor weight =
      at::view_as_complex(C.contiguous()) * (at::exp(step) - 1) / A;  // zero-order hold
  const at::Tensor powers =
      at::exp(step.unsqueeze(-1) * at::arange(L, log_dt.options()));  // [H, N/2, L]
  return 2 * at::real((weight.unsqueeze(-1) * powers).sum(1));
}

}  // namespace icl
