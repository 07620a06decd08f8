// SPDX-License-Identifier: Apache-2.0
//
// Residual sum and RMSNorm behind the dispatcher: schemas, checks, CPU kernels,
// shapes.
#include "icl/ops/add_rms_norm.h"

#include "icl/base/error.h"
#include "icl/base/shape.h"
#include "src/ops/add_rms_norm/arguments.h"
#include "src/ops/cpu_parts.h"
#include "src/ops/registration.h"

namespace icl {
namespace ops {

void check_add_rms_norm(const at::Tensor& x, const OptionalTensor& residual,
                        const at::Tensor& weight, double eps) {
  Checker check("add_rms_norm", "x", x);
  if (x.dim() < 1 || x.sym_size(-1) < 1) {
    throw UsageError(
        str("add_rms_norm: x is ", describe_tensor(x), ", expected shape [..., M] with M >= 1"));
  }
  check.parameter("residual", residual, x.sym_sizes());
  check.parameter("weight", weight, {x.sym_size(-1)});
  if (!(eps >= 0)) check.problem(str("eps is ", eps, ", expected at least 0"));
  check.done();
}

namespace {

constexpr char kBackwardSchema[] =
    "add_rms_norm_backward(Tensor dnormed, Tensor? dresidual, Tensor out_residual, Tensor weight, "
    "float eps) -> (Tensor dx_and_dresidual, Tensor dweight)";

using Pair = std::tuple<at::Tensor, at::Tensor>;

Pair forward_cpu(const at::Tensor& x, const OptionalTensor& residual, const at::Tensor& weight,
                 double eps) {
  check_cpu_type("add_rms_norm", "x", x);
  check_add_rms_norm(x, residual, weight, eps);
  const at::Tensor x_c = x.contiguous();
  const at::Tensor residual_c = contiguous(residual);
  const at::Tensor weight_c = weight.contiguous();
  const at::Tensor normed = at::empty(x.sizes(), x.options());
  const at::Tensor sum = at::empty(x.sizes(), weight.options());
  const int64_t rows = x.numel() / x.size(-1);
  AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), "add_rms_norm", [&] {
    const kernels::AddRmsNormParams<scalar_t, scalar_t> params{
        .rows = rows,
        .width = x.size(-1),
        .eps = eps,
        .x = read<scalar_t>(x_c),
        .residual = read<scalar_t>(residual_c),
        .weight = read<scalar_t>(weight_c),
        .normed = write<scalar_t>(normed),
        .sum = write<scalar_t>(sum)};
    for_blocks(kernels::cpu::row_groups(rows), [&](int64_t begin, int64_t end) {
      kernels::cpu::add_rms_norm_forward(params, begin, end);
    });
  });
  return {normed, sum};
}

Pair backward_cpu(const at::Tensor& dnormed, const OptionalTensor& dresidual,
                  const at::Tensor& residual, const at::Tensor& weight, double eps) {
  const at::Tensor dnormed_c = dnormed.contiguous();
  const at::Tensor dresidual_c = contiguous(dresidual);
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
        .dnormed = read<scalar_t>(dnormed_c),
        .dsum = read<scalar_t>(dresidual_c),
        .sum = read<scalar_t>(sum),
        .weight = read<scalar_t>(weight_c),
        .dx = write<scalar_t>(dx),
        .dweight = nullptr};
    for_blocks(groups, [&](int64_t begin, int64_t end) {
      kernels::cpu::add_rms_norm_backward(params, write<scalar_t>(parts), begin, end);
    });
    dweight = sum_in_order<scalar_t>(parts);
  });
  return {dx, dweight};
}

Pair forward_meta(const at::Tensor& x, const OptionalTensor& residual, const at::Tensor& weight,
                  double eps) {
  check_add_rms_norm(x, residual, weight, eps);
  return {at::empty_symint(x.sym_sizes(), x.options()),
          at::empty_symint(x.sym_sizes(), weight.options())};
}

Pair backward_meta(const at::Tensor& /*dnormed*/, const OptionalTensor& /*dresidual*/,
                   const at::Tensor& residual, const at::Tensor& weight, double /*eps*/) {
  return {at::empty_symint(residual.sym_sizes(), residual.options()),
          at::empty_symint(weight.sym_sizes(), weight.options())};
}

TORCH_LIBRARY_FRAGMENT(icl, library) {
  const Registration norm(library, kAddRmsNormSchema, add_rms_norm_reference);
  norm.kernels(forward_cpu, forward_meta);
  norm.backward(kBackwardSchema, backward_cpu, backward_meta);
}

}  // namespace
}  // namespace ops

std::tuple<at::Tensor, at::Tensor> add_rms_norm(const at::Tensor& x,
                                                const std::optional<at::Tensor>& residual,
                                                const at::Tensor& weight, double eps) {
  static const auto op = ops::find_operator<decltype(add_rms_norm)>("icl::add_rms_norm");
  return op.call(x, residual, weight, eps);
}

}  // namespace icl
