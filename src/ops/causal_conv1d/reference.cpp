// SPDX-License-Identifier: Apache-2.0
#include <ATen/ATen.h>

#include "icl/ops/causal_conv1d.h"
#include "src/ops/causal_conv1d/arguments.h"

namespace icl {

at::Tensor causal_conv1d_reference(const at::Tensor& x, const at::Tensor& weight,
                                   const std::optional<at::Tensor>& bias, bool silu,
                                   const std::optional<at::Tensor>& initial_state) {
  ops::check_causal_conv1d(x, weight, bias, initial_state);
  const int64_t width = weight.size(1), length = x.size(1);
  const at::ScalarType type = weight.scalar_type();
  const at::Tensor before = ops::has(initial_state)
                                ? *initial_state
                                : at::zeros({x.size(0), width - 1, x.size(2)}, x.options());
  const at::Tensor padded = at::cat({before, x}, 1).to(type);  // [B, W-1+L, I]
  at::Tensor y = at::zeros({x.size(0), length, x.size(2)}, weight.options());
  for (int64_t j = 0; j < width; ++j) {
    y = y + padded.narrow(1, j, length) * weight.select(1, j);
  }
  if (ops::has(bias)) y = y + *bias;
  if (silu) y = at::silu(y);
  return y.to(x.scalar_type());
}

}  // namespace icl
