// SPDX-License-Identifier: Apache-2.0
#include <ATen/ATen.h>

#include "icl/ops/long_conv.h"
#include "src/ops/long_conv/arguments.h"

namespace icl {

at::Tensor long_conv_reference(const at::Tensor& u, const at::Tensor& k,
                               const std::optional<at::Tensor>& D) {
  ops::check_long_conv(u, k, D);
  const at::Tensor u_s = u.to(k.scalar_type());
  const int64_t length = u.size(1);
  at::Tensor y = at::zeros_like(u_s);
  if (u.sym_numel() > 0) {
    // Twice the length, so that the circular convolution does not wrap around.
    const at::Tensor product = at::fft_rfft(u_s, 2 * length, 1) *
                               at::fft_rfft(k, 2 * length, 1).transpose(0, 1);  // [B, L+1, H]
    y = at::fft_irfft(product, 2 * length, 1).narrow(1, 0, length);
  }
  if (ops::has(D)) y = y + *D * u_s;
  return y.to(u.scalar_type());
}

}  // namespace icl
