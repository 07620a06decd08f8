// SPDX-License-Identifier: Apache-2.0
//
// The short causal convolution behind the dispatcher: CPU kernels, shapes, gradients.
#include "icl/ops/causal_conv1d.h"

#include <ATen/ATen.h>
#include <torch/library.h>

#include "src/ops/autograd.h"
#include "src/ops/cpu_parts.h"
#include "src/ops/internal.h"
#include "src/ops/rows.h"

namespace icl {
namespace {

using Gradients = std::tuple<at::Tensor, at::Tensor, at::Tensor, at::Tensor>;

// The arguments in the form that kernels read; keeps what it had to copy.
struct Arguments {
  Rows x;
  at::Tensor weight, bias, initial_state;

  Arguments(const at::Tensor& x_, const at::Tensor& weight_, const OptionalTensor& bias_,
            const OptionalTensor& state_)
      : x(x_),
        weight(weight_.contiguous()),
        bias(contiguous_or_undefined(bias_)),
        initial_state(contiguous_or_undefined(state_)) {}

  template <class T>
  kernels::CausalConv1dParams<T, T> params(const at::Tensor& shape_BLI, bool silu) const {
    return {.batch = shape_BLI.size(0),
            .length = shape_BLI.size(1),
            .width = shape_BLI.size(2),
            .taps = weight.size(1),
            .x_stride = x.stride(),
            .silu = silu,
            .x = x.data<T>(),
            .weight = weight.const_data_ptr<T>(),
            .bias = data_or_null<T>(bias),
            .initial_state = data_or_null<T>(initial_state),
            .y = nullptr};
  }
};

at::Tensor forward_cpu(const at::Tensor& x, const at::Tensor& weight, const OptionalTensor& bias,
                       bool silu, const OptionalTensor& initial_state) {
  check_causal_conv1d(x, weight, bias, initial_state);
  check_cpu_type("causal_conv1d", "x", x);
  const Arguments arguments(x, weight, bias, initial_state);
  const at::Tensor y = at::empty(x.sizes(), x.options());
  AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), "causal_conv1d", [&] {
    auto params = arguments.params<scalar_t>(x, silu);
    params.y = y.data_ptr<scalar_t>();
    for_blocks(x.size(0) * kernels::cpu::channel_blocks(x.size(2)),
               [&](int64_t begin, int64_t end) {
                 kernels::cpu::causal_conv1d_forward(params, begin, end);
               });
  });
  return y;
}

Gradients backward_cpu(const at::Tensor& dy, const at::Tensor& x, const at::Tensor& weight,
                       const OptionalTensor& bias, bool silu, const OptionalTensor& initial_state) {
  const Arguments arguments(x, weight, bias, initial_state);
  const Rows dy_rows(dy);
  const int64_t batch = x.size(0);
  const int64_t width = x.size(2);
  const at::Tensor dx = at::empty(x.sizes(), x.options());
  const at::Tensor dstate =
      has(initial_state) ? at::empty(initial_state->sizes(), x.options()) : at::Tensor();
  const at::Tensor dweight = at::empty({batch, width, weight.size(1)}, weight.options());
  const at::Tensor dbias = at::empty({batch, width}, weight.options());
  Gradients gradients;
  AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), "causal_conv1d_backward", [&] {
    kernels::CausalConv1dGradParams<scalar_t, scalar_t> params{};
    params.forward = arguments.params<scalar_t>(x, silu);
    params.dy_stride = dy_rows.stride();
    params.dy = dy_rows.data<scalar_t>();
    params.dx = dx.data_ptr<scalar_t>();
    params.dinitial_state = mutable_data_or_null<scalar_t>(dstate);
    for_blocks(batch * kernels::cpu::channel_blocks(width), [&](int64_t begin, int64_t end) {
      kernels::cpu::causal_conv1d_backward(params, dweight.data_ptr<scalar_t>(),
                                           dbias.data_ptr<scalar_t>(), begin, end);
    });
    const auto sum = sum_in_order<scalar_t>;
    gradients = {dx, sum(dweight), has(bias) ? sum(dbias) : at::Tensor(), dstate};
  });
  return gradients;
}

at::Tensor forward_meta(const at::Tensor& x, const at::Tensor& weight, const OptionalTensor& bias,
                        bool /*silu*/, const OptionalTensor& initial_state) {
  check_causal_conv1d(x, weight, bias, initial_state);
  return at::empty(x.sizes(), x.options());
}

at::Tensor call(const at::Tensor& x, const at::Tensor& weight, const OptionalTensor& bias,
                bool silu, const OptionalTensor& initial_state) {
  static const auto op = find_operator<decltype(forward_cpu)>("icl::causal_conv1d");
  return op.call(x, weight, bias, silu, initial_state);
}

class CausalConv1d : public torch::autograd::Function<CausalConv1d> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& weight,
                            const OptionalTensor& bias, bool silu,
                            const OptionalTensor& initial_state) {
    const at::AutoDispatchBelowADInplaceOrView below;
    context->save_for_backward({x, weight, or_undefined(bias), or_undefined(initial_state)});
    context->saved_data["silu"] = silu;
    return call(x, weight, bias, silu, initial_state);
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    static const auto op = find_operator<decltype(backward_cpu)>("icl::causal_conv1d_backward");
    const variable_list s = context->get_saved_variables();
    variable_list made;
    {
      const at::AutoDispatchBelowADInplaceOrView below;
      const auto [dx, dweight, dbias, dstate] =
          op.call(gradients[0], s[0], s[1], or_nothing(s[2]), context->saved_data["silu"].toBool(),
                  or_nothing(s[3]));
      made = {dx, dweight, dbias, at::Tensor(), dstate};
    }
    return once_differentiable("causal_conv1d", gradients[0], made);
  }
};

at::Tensor with_gradients(const at::Tensor& x, const at::Tensor& weight, const OptionalTensor& bias,
                          bool silu, const OptionalTensor& initial_state) {
  return CausalConv1d::apply(x, weight, bias, silu, initial_state);
}

TORCH_LIBRARY_IMPL(icl, CPU, library) {
  library.impl("causal_conv1d", forward_cpu);
  library.impl("causal_conv1d_backward", backward_cpu);
}
TORCH_LIBRARY_IMPL(icl, Meta, library) {
  library.impl("causal_conv1d", forward_meta);
}
TORCH_LIBRARY_IMPL(icl, Autograd, library) {
  library.impl("causal_conv1d", with_gradients);
}

}  // namespace

at::Tensor causal_conv1d(const at::Tensor& x, const at::Tensor& weight, const OptionalTensor& bias,
                         bool silu, const OptionalTensor& initial_state) {
  return call(x, weight, bias, silu, initial_state);
}

}  // namespace icl
