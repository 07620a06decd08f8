// SPDX-License-Identifier: Apache-2.0
#include <ATen/ATen.h>

#include "icl/ops/add_rms_norm.h"
#include "src/ops/add_rms_norm/arguments.h"

namespace icl {

std::tuple<at::Tensor, at::Tensor> add_rms_norm_reference(const at::Tensor& x,
                                                          const std::optional<at::Tensor>& residual,
                                                          const at::Tensor& weight, double eps) {
  ops::check_add_rms_norm(x, residual, weight, eps);
  const at::Tensor x_s = x.to(weight.scalar_type());
  const at::Tensor sum = ops::has(residual) ? x_s + *residual : x_s.clone();
  const at::Tensor scale = at::rsqrt((sum * sum).mean(-1, /*keepdim=*/true) + eps);
  return {(sum * scale * weight).to(x.scalar_type()), sum};
}

}  // namespace icl
