// SPDX-License-Identifier: Apache-2.0
//
// The long causal convolution behind the dispatcher: CPU kernels, shapes, gradients.
#include "icl/ops/long_conv.h"

#include <ATen/ATen.h>
#include <torch/library.h>

#include "src/ops/autograd.h"
#include "src/ops/cpu_parts.h"
#include "src/ops/internal.h"
#include "src/ops/rows.h"

namespace icl {
namespace {

using Gradients = std::tuple<at::Tensor, at::Tensor, at::Tensor>;

// The arguments in the form that kernels read; keeps what it had to copy.
struct Arguments {
  Rows u;
  at::Tensor k_LH, D;

  Arguments(const at::Tensor& u_, const at::Tensor& k_HL, const OptionalTensor& D_)
      : u(u_), k_LH(k_HL.t().contiguous()), D(contiguous_or_undefined(D_)) {}

  template <class T>
  kernels::LongConvParams<T, T> params(const at::Tensor& shape_BLH) const {
    return {.batch = shape_BLH.size(0),
            .length = shape_BLH.size(1),
            .channels = shape_BLH.size(2),
            .u_stride = u.stride(),
            .u = u.data<T>(),
            .k = k_LH.const_data_ptr<T>(),
            .D = data_or_null<T>(D),
            .y = nullptr};
  }
};

at::Tensor forward_cpu(const at::Tensor& u, const at::Tensor& k, const OptionalTensor& D) {
  check_long_conv(u, k, D);
  check_cpu_type("long_conv", "u", u);
  const Arguments arguments(u, k, D);
  const at::Tensor y = at::empty(u.sizes(), u.options());
  AT_DISPATCH_FLOATING_TYPES(u.scalar_type(), "long_conv", [&] {
    auto params = arguments.params<scalar_t>(u);
    params.y = y.data_ptr<scalar_t>();
    for_blocks(
        kernels::cpu::long_conv_blocks(u.size(0), u.size(2)),
        [&](int64_t begin, int64_t end) { kernels::cpu::long_conv_forward(params, begin, end); });
  });
  return y;
}

Gradients backward_cpu(const at::Tensor& dy, const at::Tensor& u, const at::Tensor& k,
                       const OptionalTensor& D) {
  const Arguments arguments(u, k, D);
  const Rows dy_rows(dy);
  const at::Tensor du = at::empty(u.sizes(), u.options());
  const at::Tensor dk_LH = at::empty({u.size(1), u.size(2)}, k.options());
  AT_DISPATCH_FLOATING_TYPES(u.scalar_type(), "long_conv_backward", [&] {
    kernels::LongConvGradParams<scalar_t, scalar_t> params{};
    params.forward = arguments.params<scalar_t>(u);
    params.dy_stride = dy_rows.stride();
    params.dy = dy_rows.data<scalar_t>();
    params.du = du.data_ptr<scalar_t>();
    params.dk = dk_LH.data_ptr<scalar_t>();
    for_blocks(kernels::cpu::long_conv_blocks(u.size(0), u.size(2)),
               [&](int64_t begin, int64_t end) {
                 kernels::cpu::long_conv_backward_input(params, begin, end);
               });
    for_blocks(kernels::cpu::long_conv_kernel_blocks(u.size(1), u.size(2)),
               [&](int64_t begin, int64_t end) {
                 kernels::cpu::long_conv_backward_kernel(params, begin, end);
               });
  });
  at::Tensor dD;
  if (has(D)) {  // y = (k_0 + D) u + ...: the gradient of D is that of k_0
    dD = u.size(1) > 0 ? dk_LH.select(0, 0).clone() : at::zeros(D->sizes(), D->options());
  }
  return {du, dk_LH.t().contiguous(), dD};
}

at::Tensor forward_meta(const at::Tensor& u, const at::Tensor& k, const OptionalTensor& D) {
  check_long_conv(u, k, D);
  return at::empty(u.sizes(), u.options());
}

at::Tensor call(const at::Tensor& u, const at::Tensor& k, const OptionalTensor& D) {
  static const auto op = find_operator<decltype(forward_cpu)>("icl::long_conv");
  return op.call(u, k, D);
}

class LongConv : public torch::autograd::Function<LongConv> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& u, const at::Tensor& k,
                            const OptionalTensor& D) {
    const at::AutoDispatchBelowADInplaceOrView below;
    context->save_for_backward({u, k, or_undefined(D)});
    return call(u, k, D);
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    static const auto op = find_operator<decltype(backward_cpu)>("icl::long_conv_backward");
    const variable_list s = context->get_saved_variables();
    variable_list made;
    {
      const at::AutoDispatchBelowADInplaceOrView below;
      const auto [du, dk, dD] = op.call(gradients[0], s[0], s[1], or_nothing(s[2]));
      made = {du, dk, dD};
    }
    return once_differentiable("long_conv", gradients[0], made);
  }
};

at::Tensor with_gradients(const at::Tensor& u, const at::Tensor& k, const OptionalTensor& D) {
  return LongConv::apply(u, k, D);
}

TORCH_LIBRARY_IMPL(icl, CPU, library) {
  library.impl("long_conv", forward_cpu);
  library.impl("long_conv_backward", backward_cpu);
}
TORCH_LIBRARY_IMPL(icl, Meta, library) {
  library.impl("long_conv", forward_meta);
}
TORCH_LIBRARY_IMPL(icl, Autograd, library) {
  library.impl("long_conv", with_gradients);
}

}  // namespace

at::Tensor long_conv(const at::Tensor& u, const at::Tensor& k, const OptionalTensor& D) {
  return call(u, k, D);
}

}  // namespace icl
