// SPDX-License-Identifier: Apache-2.0
//
// The short causal convolution behind the dispatcher: schemas, checks, CPU kernels,
// shapes.
#include "icl/ops/causal_conv1d.h"

#include "icl/base/error.h"
#include "icl/base/shape.h"
#include "src/ops/causal_conv1d/arguments.h"
#include "src/ops/cpu_parts.h"
#include "src/ops/registration.h"

namespace icl {
namespace ops {

void check_causal_conv1d(const at::Tensor& x, const at::Tensor& weight, const OptionalTensor& bias,
                         const OptionalTensor& initial_state) {
  Checker check("causal_conv1d", "x", x);
  check.dims(3);
  check.parameter("weight", weight, {x.sym_size(2), -1});
  const bool has_taps = weight.defined() && weight.dim() == 2;
  const c10::SymInt taps = has_taps ? weight.sym_size(1) : c10::SymInt(0);
  if (has_taps && (taps < 1 || taps > 64)) {
    check.problem(str("weight is ", describe_tensor(weight),
                      ", expected 1 to 64 taps in its last dimension"));
  }
  check.parameter("bias", bias, {x.sym_size(2)});
  check.activation("initial_state", initial_state, {x.sym_size(0), taps - 1, x.sym_size(2)});
  check.done();
}

namespace {

constexpr char kBackwardSchema[] =
    "causal_conv1d_backward(Tensor dy, Tensor x, Tensor weight, Tensor? bias, bool silu, "
    "Tensor? initial_state) -> (Tensor dx, Tensor dweight, Tensor dbias, Tensor dinitial_state)";

using Gradients = std::tuple<at::Tensor, at::Tensor, at::Tensor, at::Tensor>;

at::Tensor forward_cpu(const at::Tensor& x, const at::Tensor& weight, const OptionalTensor& bias,
                       bool silu, const OptionalTensor& initial_state) {
  check_cpu_type("causal_conv1d", "x", x);
  check_causal_conv1d(x, weight, bias, initial_state);
  const CausalConv1dArguments arguments(x, weight, bias, silu, initial_state);
  const at::Tensor y = at::empty(x.sizes(), x.options());
  AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), "causal_conv1d", [&] {
    auto params = arguments.params<scalar_t, scalar_t>();
    params.y = write<scalar_t>(y);
    for_blocks(x.size(0) * kernels::cpu::channel_blocks(x.size(2)),
               [&](int64_t begin, int64_t end) {
                 kernels::cpu::causal_conv1d_forward(params, begin, end);
               });
  });
  return y;
}

Gradients backward_cpu(const at::Tensor& dy, const at::Tensor& x, const at::Tensor& weight,
                       const OptionalTensor& bias, bool silu, const OptionalTensor& initial_state) {
  const CausalConv1dArguments arguments(x, weight, bias, silu, initial_state);
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
    params.forward = arguments.params<scalar_t, scalar_t>();
    params.dy_stride = dy_rows.stride();
    params.dy = read<scalar_t>(dy_rows);
    params.dx = write<scalar_t>(dx);
    params.dinitial_state = write<scalar_t>(dstate);
    for_blocks(batch * kernels::cpu::channel_blocks(width), [&](int64_t begin, int64_t end) {
      kernels::cpu::causal_conv1d_backward(params, write<scalar_t>(dweight), write<scalar_t>(dbias),
                                           begin, end);
    });
    const auto sum = sum_in_order<scalar_t>;
    gradients = {dx, sum(dweight), has(bias) ? sum(dbias) : at::Tensor(), dstate};
  });
  return gradients;
}

at::Tensor forward_meta(const at::Tensor& x, const at::Tensor& weight, const OptionalTensor& bias,
                        bool /*silu*/, const OptionalTensor& initial_state) {
  check_causal_conv1d(x, weight, bias, initial_state);
  return at::empty_symint(x.sym_sizes(), x.options());
}

TORCH_LIBRARY_FRAGMENT(icl, library) {
  const Registration conv(library, kCausalConv1dSchema, causal_conv1d_reference);
  conv.kernels(forward_cpu, forward_meta);
  conv.backward(kBackwardSchema, backward_cpu);
}

}  // namespace
}  // namespace ops

at::Tensor causal_conv1d(const at::Tensor& x, const at::Tensor& weight,
                         const std::optional<at::Tensor>& bias, bool silu,
                         const std::optional<at::Tensor>& initial_state) {
  static const auto op = ops::find_operator<decltype(causal_conv1d)>("icl::causal_conv1d");
  return op.call(x, weight, bias, silu, initial_state);
}

}  // namespace icl
