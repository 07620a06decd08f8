// SPDX-License-Identifier: Apache-2.0
#include <ATen/ops/empty.h>

#include "src/ops/add_rms_norm/arguments.h"
#include "src/ops/cuda_device.h"

namespace icl::ops {
namespace {

std::tuple<at::Tensor, at::Tensor> forward(const at::Tensor& x, const OptionalTensor& residual,
                                           const at::Tensor& weight, double eps) {
  check_add_rms_norm(x, residual, weight, eps);
  const Gpu gpu(x);
  const at::Tensor x_plain = x.contiguous(), residual_plain = contiguous(residual);
  const at::Tensor weight_plain = weight.contiguous();
  const at::Tensor normed = at::empty(x.sizes(), x.options());
  const at::Tensor sum = at::empty(x.sizes(), weight.options());
  for_types(x.scalar_type(), [&]<class T, class S>() {
    kernels::AddRmsNormParams<T, S> p{};
    p.width = weight.size(0);
    p.rows = x.numel() / p.width;
    p.eps = eps;
    p.x = read<T>(x_plain);
    p.residual = read<S>(residual_plain);
    p.weight = read<S>(weight_plain);
    p.normed = write<T>(normed);
    p.sum = write<S>(sum);
    check_launch("add_rms_norm", kernels::add_rms_norm<T, S>(p, gpu.stream()));
  });
  return {normed, sum};
}

std::tuple<at::Tensor, at::Tensor> backward(const at::Tensor& dnormed,
                                            const OptionalTensor& dresidual,
                                            const at::Tensor& residual, const at::Tensor& weight,
                                            double eps) {
  const Gpu gpu(residual);
  const at::Tensor dnormed_plain = dnormed.contiguous(), dsum = contiguous(dresidual);
  const at::Tensor sum = residual.contiguous(), weight_plain = weight.contiguous();
  const at::Tensor dx = grad_like(residual), dweight = grad_like(weight);
  for_types(dnormed.scalar_type(), [&]<class T, class S>() {
    kernels::AddRmsNormGradParams<T, S> grad{};
    grad.width = weight.size(0);
    grad.rows = residual.numel() / grad.width;
    grad.eps = eps;
    grad.dnormed = read<T>(dnormed_plain);
    grad.dsum = read<S>(dsum);
    grad.sum = read<S>(sum);
    grad.weight = read<S>(weight_plain);
    grad.dx = write<S>(dx);
    grad.dweight = write<S>(dweight);
    const at::Tensor workspace =
        at::empty({kernels::add_rms_norm_grad_workspace<T, S>(grad)}, weight.options());
    check_launch("add_rms_norm_backward",
                 kernels::add_rms_norm_grad<T, S>(grad, write<S>(workspace), gpu.stream()));
  });
  return {dx, dweight};
}

TORCH_LIBRARY_IMPL(icl, ICL_KERNEL_KEY, library) {
  library.impl("add_rms_norm", forward);
  library.impl("add_rms_norm_backward", backward);
}

}  // namespace
}  // namespace icl::ops
