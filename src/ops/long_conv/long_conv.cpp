// SPDX-License-Identifier: Apache-2.0
//
// The long causal convolution behind the dispatcher: schemas, checks, CPU kernels,
// shapes.
#include "icl/ops/long_conv.h"

#include "src/ops/cpu_parts.h"
#include "src/ops/long_conv/arguments.h"
#include "src/ops/registration.h"

namespace icl {
namespace ops {

void check_long_conv(const at::Tensor& u, const at::Tensor& k, const OptionalTensor& D) {
  Checker check("long_conv", "u", u);
  check.dims(3);
  check.parameter("k", k, {u.sym_size(2), u.sym_size(1)});
  check.parameter("D", D, {u.sym_size(2)});
  check.done();
}

namespace {

constexpr char kBackwardSchema[] =
    "long_conv_backward(Tensor dy, Tensor u, Tensor k, Tensor? D) -> "
    "(Tensor du, Tensor dk, Tensor dD)";

using Gradients = std::tuple<at::Tensor, at::Tensor, at::Tensor>;

at::Tensor forward_cpu(const at::Tensor& u, const at::Tensor& k, const OptionalTensor& D) {
  check_cpu_type("long_conv", "u", u);
  check_long_conv(u, k, D);
  const LongConvArguments arguments(u, k.t(), D);
  const at::Tensor y = at::empty(u.sizes(), u.options());
  AT_DISPATCH_FLOATING_TYPES(u.scalar_type(), "long_conv", [&] {
    auto params = arguments.params<scalar_t, scalar_t>();
    params.y = write<scalar_t>(y);
    for_blocks(
        kernels::cpu::long_conv_blocks(u.size(0), u.size(2)),
        [&](int64_t begin, int64_t end) { kernels::cpu::long_conv_forward(params, begin, end); });
  });
  return y;
}

Gradients backward_cpu(const at::Tensor& dy, const at::Tensor& u, const at::Tensor& k,
                       const OptionalTensor& D) {
  const LongConvArguments arguments(u, k.t(), D);
  const Rows dy_rows(dy);
  const at::Tensor du = at::empty(u.sizes(), u.options());
  const at::Tensor dk_LH = at::empty({u.size(1), u.size(2)}, k.options());
  AT_DISPATCH_FLOATING_TYPES(u.scalar_type(), "long_conv_backward", [&] {
    kernels::LongConvGradParams<scalar_t, scalar_t> params{};
    params.forward = arguments.params<scalar_t, scalar_t>();
    params.dy_stride = dy_rows.stride();
    params.dy = read<scalar_t>(dy_rows);
    params.du = write<scalar_t>(du);
    params.dk = write<scalar_t>(dk_LH);
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
  return at::empty_symint(u.sym_sizes(), u.options());
}

TORCH_LIBRARY_FRAGMENT(icl, library) {
  const Registration conv(library, kLongConvSchema, long_conv_reference);
  conv.kernels(forward_cpu, forward_meta);
  conv.backward(kBackwardSchema, backward_cpu);
}

}  // namespace
}  // namespace ops

at::Tensor long_conv(const at::Tensor& u, const at::Tensor& k, const std::optional<at::Tensor>& D) {
  static const auto op = ops::find_operator<decltype(long_conv)>("icl::long_conv");
  return op.call(u, k, D);
}

}  // namespace icl
