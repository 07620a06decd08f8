// SPDX-License-Identifier: Apache-2.0
#include <ATen/ops/empty.h>

#include "src/ops/cuda/device.h"
#include "src/ops/cuda/operators.h"

namespace icl::cuda {
namespace {

struct Arguments {
  Rows x;
  at::Tensor weight, bias, initial_state;
  bool silu;

  Arguments(const at::Tensor& x_, const at::Tensor& weight_, const OptionalTensor& bias_,
            bool silu_, const OptionalTensor& state_)
      : x(x_),
        weight(weight_.contiguous()),
        bias(contiguous(bias_)),
        initial_state(contiguous(state_)),
        silu(silu_) {}

  template <class T, class S>
  kernels::CausalConv1dParams<T, S> params() const {
    kernels::CausalConv1dParams<T, S> p{};
    p.batch = x.tensor().size(0);
    p.length = x.tensor().size(1);
    p.width = x.tensor().size(2);
    p.taps = weight.size(1);
    p.x_stride = x.stride();
    p.silu = silu;
    p.x = read<T>(x);
    p.weight = read<S>(weight);
    p.bias = read<S>(bias);
    p.initial_state = read<T>(initial_state);
    return p;
  }
};

}  // namespace

at::Tensor causal_conv1d(const at::Tensor& x, const at::Tensor& weight, const OptionalTensor& bias,
                         bool silu, const OptionalTensor& initial_state) {
  check_causal_conv1d(x, weight, bias, initial_state);
  const Gpu gpu(x);
  const Arguments arguments(x, weight, bias, silu, initial_state);
  const at::Tensor y = at::empty(x.sizes(), x.options());
  for_types(x.scalar_type(), [&]<class T, class S>() {
    auto p = arguments.params<T, S>();
    p.y = write<T>(y);
    check_launch("causal_conv1d", kernels::causal_conv1d<T, S>(p, gpu.stream()));
  });
  return y;
}

std::tuple<at::Tensor, at::Tensor, at::Tensor, at::Tensor> causal_conv1d_backward(
    const at::Tensor& dy, const at::Tensor& x, const at::Tensor& weight, const OptionalTensor& bias,
    bool silu, const OptionalTensor& initial_state) {
  const Gpu gpu(x);
  const Arguments arguments(x, weight, bias, silu, initial_state);
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

}  // namespace icl::cuda
