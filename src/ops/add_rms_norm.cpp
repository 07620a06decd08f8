// SPDX-License-Identifier: Apache-2.0
//
// Residual sum and RMSNorm behind the dispatcher: CPU kernels, shapes, gradients.
#include "icl/ops/add_rms_norm.h"

#include <ATen/ATen.h>
#include <torch/library.h>

#include "src/ops/autograd.h"
#include "src/ops/cpu_parts.h"
#include "src/ops/internal.h"

namespace icl {
namespace {

using Pair = std::tuple<at::Tensor, at::Tensor>;

Pair forward_cpu(const at::Tensor& x, const OptionalTensor& residual, const at::Tensor& weight,
                 double eps) {
  check_add_rms_norm(x, residual, weight, eps);
  check_cpu_type("add_rms_norm", "x", x);
  const at::Tensor x_c = x.contiguous();
  const at::Tensor residual_c = contiguous_or_undefined(residual);
  const at::Tensor weight_c = weight.contiguous();
  const at::Tensor normed = at::empty(x.sizes(), x.options());
  const at::Tensor sum = at::empty(x.sizes(), weight.options());
  const int64_t rows = x.numel() / x.size(-1);
  AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), "add_rms_norm", [&] {
    const kernels::AddRmsNormParams<scalar_t, scalar_t> params{
        .rows = rows,
        .width = x.size(-1),
        .eps = eps,
        .x = x_c.const_data_ptr<scalar_t>(),
        .residual = data_or_null<scalar_t>(residual_c),
        .weight = weight_c.const_data_ptr<scalar_t>(),
        .normed = normed.data_ptr<scalar_t>(),
        .sum = sum.data_ptr<scalar_t>()};
    for_blocks(kernels::cpu::row_groups(rows), [&](int64_t begin, int64_t end) {
      kernels::cpu::add_rms_norm_forward(params, begin, end);
    });
  });
  return {normed, sum};
}

Pair backward_cpu(const at::Tensor& dnormed, const OptionalTensor& dresidual,
                  const at::Tensor& residual, const at::Tensor& weight, double eps) {
  const at::Tensor dnormed_c = dnormed.contiguous();
  const at::Tensor dresidual_c = contiguous_or_undefined(dresidual);
  const at::Tensor sum = residual.contiguous();
  const at::Tensor weight_c = weight.contiguous();
  const at::Tensor dx = at::empty(sum.sizes(), sum.options());
  const int64_t width = weight.size(0);
  const int64_t rows = sum.numel() / width;
  const int64_t groups = kernels::cpu::row_groups(rows);
  const at::Tensor parts = at::empty({groups, width}, weight.options());
  at::Tensor dweight;
  AT_DISPATCH_FLOATING_TYPES(sum.scalar_type(), "add_rms_norm_backward", [&] {
    const kernels::AddRmsNormGradParams<scalar_t, scalar_t> params{
        .rows = rows,
        .width = width,
        .eps = eps,
        .dnormed = dnormed_c.const_data_ptr<scalar_t>(),
        .dsum = data_or_null<scalar_t>(dresidual_c),
        .sum = sum.const_data_ptr<scalar_t>(),
        .weight = weight_c.const_data_ptr<scalar_t>(),
        .dx = dx.data_ptr<scalar_t>(),
        .dweight = nullptr};
    for_blocks(groups, [&](int64_t begin, int64_t end) {
      kernels::cpu::add_rms_norm_backward(params, parts.data_ptr<scalar_t>(), begin, end);
    });
    dweight = sum_in_order<scalar_t>(parts);
  });
  return {dx, dweight};
}

Pair forward_meta(const at::Tensor& x, const OptionalTensor& residual, const at::Tensor& weight,
                  double eps) {
  check_add_rms_norm(x, residual, weight, eps);
  return {at::empty(x.sizes(), x.options()), at::empty(x.sizes(), weight.options())};
}

Pair call(const at::Tensor& x, const OptionalTensor& residual, const at::Tensor& weight,
          double eps) {
  static const auto op = find_operator<decltype(forward_cpu)>("icl::add_rms_norm");
  return op.call(x, residual, weight, eps);
}

class AddRmsNorm : public torch::autograd::Function<AddRmsNorm> {
 public:
  static variable_list forward(AutogradContext* context, const at::Tensor& x,
                               const OptionalTensor& residual, const at::Tensor& weight,
                               double eps) {
    const at::AutoDispatchBelowADInplaceOrView below;
    const auto [normed, sum] = call(x, residual, weight, eps);
    context->save_for_backward({sum, weight});
    context->saved_data["eps"] = eps;
    context->saved_data["x_type"] = x.scalar_type();
    context->saved_data["has_residual"] = has(residual);
    context->set_materialize_grads(false);
    return {normed, sum};
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    static const auto op = find_operator<decltype(backward_cpu)>("icl::add_rms_norm_backward");
    const variable_list s = context->get_saved_variables();
    const at::ScalarType x_type = context->saved_data["x_type"].toScalarType();
    const at::Tensor& cause = gradients[0].defined() ? gradients[0] : gradients[1];
    variable_list made;
    {
      const at::AutoDispatchBelowADInplaceOrView below;
      const at::Tensor dnormed = gradients[0].defined()
                                     ? gradients[0]
                                     : at::zeros(s[0].sizes(), s[0].options().dtype(x_type));
      const auto [dx, dweight] = op.call(dnormed, or_nothing(gradients[1]), s[0], s[1],
                                         context->saved_data["eps"].toDouble());
      const bool has_residual = context->saved_data["has_residual"].toBool();
      made = {dx.to(x_type), has_residual ? dx : at::Tensor(), dweight, at::Tensor()};
    }
    return once_differentiable("add_rms_norm", cause, made);
  }
};

Pair with_gradients(const at::Tensor& x, const OptionalTensor& residual, const at::Tensor& weight,
                    double eps) {
  const variable_list results = AddRmsNorm::apply(x, residual, weight, eps);
  return {results[0], results[1]};
}

TORCH_LIBRARY_IMPL(icl, CPU, library) {
  library.impl("add_rms_norm", forward_cpu);
  library.impl("add_rms_norm_backward", backward_cpu);
}
TORCH_LIBRARY_IMPL(icl, Meta, library) {
  library.impl("add_rms_norm", forward_meta);
}
TORCH_LIBRARY_IMPL(icl, Autograd, library) {
  library.impl("add_rms_norm", with_gradients);
}

}  // namespace

Pair add_rms_norm(const at::Tensor& x, const OptionalTensor& residual, const at::Tensor& weight,
                  double eps) {
  return call(x, residual, weight, eps);
}

}  // namespace icl
