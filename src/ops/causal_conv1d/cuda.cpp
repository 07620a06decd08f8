// SPDX-License-Identifier: Apache-2.0
#include <ATen/ops/empty.h>

#include "src/ops/causal_conv1d/arguments.h"
#include "src/ops/cuda_device.h"

namespace icl::ops {
namespace {

at::Tensor forward(const at::Tensor& x, const at::Tensor& weight, const OptionalTensor& bias,
                   bool silu, const OptionalTensor& initial_state) {
  check_causal_conv1d(x, weight, bias, initial_state);
  const Gpu gpu(x);
  const CausalConv1dArguments arguments(x, weight, bias, silu, initial_state);
  const at::Tensor y = at::empty(x.sizes(), x.options());
  for_types(x.scalar_type(), [&]<class T, class S>() {
    auto p = arguments.params<T, S>();
    p.y = write<T>(y);
    check_launch("causal_conv1d", kernels::causal_conv1d<T, S>(p, gpu.stream()));
  });
  return y;
}

std::tuple<at::Tensor, at::Tensor, at::Tensor, at::Tensor> backward(
    const at::Tensor& dy, const at::Tensor& x, const at::Tensor& weight, const OptionalTensor& bias,
    bool silu, const OptionalTensor& initial_state) {
  const Gpu gpu(x);
  const CausalConv1dArguments arguments(x, weight, bias, silu, initial_state);
  const Rows dy_rows(dy);
  const at::Tensor dx = grad_like(x), dweight = grad_like(weight), dbias = grad_like(bias);
  const at::Tensor dinitial = grad_like(initial_state);
  for_types(x.scalar_type(), [&]<class T, class S>() {
    kernels::CausalConv1dGradParams<T, S> grad{};
    grad.forward = arguments.params<T, S>();
    grad.dy_stride = dy_rows.stride();
    grad.dy = read<T>(dy_rows);
    grad.dx = write<T>(dx);
    grad.dweight = write<S>(dweight);
    grad.dbias = write<S>(dbias);
    grad.dinitial_state = write<T>(dinitial);
    const at::Tensor workspace =
        at::empty({kernels::causal_conv1d_grad_workspace<T, S>(grad)}, weight.options());
    check_launch("causal_conv1d_backward",
                 kernels::causal_conv1d_grad<T, S>(grad, write<S>(workspace), gpu.stream()));
  });
  if (x.size(1) == 0 && dinitial.defined()) dinitial.zero_();  // no step saw it
  return {dx, dweight, dbias, dinitial};
}

TORCH_LIBRARY_IMPL(icl, ICL_KERNEL_KEY, library) {
  library.impl("causal_conv1d", forward);
  library.impl("causal_conv1d_backward", backward);
}

}  // namespace
}  // namespace icl::ops
