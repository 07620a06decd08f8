// SPDX-License-Identifier: Apache-2.0
//
// The selective scan behind the dispatcher: CPU kernels, shapes, gradients.
#include "icl/ops/selective_scan.h"

#include <ATen/ATen.h>
#include <torch/library.h>

#include "icl/base/shape.h"
#include "src/ops/autograd.h"
#include "src/ops/cpu_parts.h"
#include "src/ops/internal.h"
#include "src/ops/rows.h"

namespace icl {
namespace {

using Results = std::tuple<at::Tensor, at::Tensor, at::Tensor>;
using Gradients = std::tuple<at::Tensor, at::Tensor, at::Tensor, at::Tensor, at::Tensor, at::Tensor,
                             at::Tensor, at::Tensor, at::Tensor>;

// The arguments in the form that kernels read; keeps what it had to copy.
struct Arguments {
  Rows u, delta, B, C, z;
  at::Tensor A, D, delta_bias, initial_state;

  Arguments(const at::Tensor& u_, const at::Tensor& delta_, const at::Tensor& A_,
            const at::Tensor& B_, const at::Tensor& C_, const OptionalTensor& D_,
            const OptionalTensor& z_, const OptionalTensor& bias_, const OptionalTensor& state_)
      : u(u_),
        delta(delta_),
        B(B_),
        C(C_),
        z(z_),
        A(A_.contiguous()),
        D(contiguous_or_undefined(D_)),
        delta_bias(contiguous_or_undefined(bias_)),
        initial_state(contiguous_or_undefined(state_)) {}

  template <class T>
  kernels::SelectiveScanParams<T, T> params(const at::Tensor& shape_BLI, bool softplus) const {
    return {.batch = shape_BLI.size(0),
            .length = shape_BLI.size(1),
            .width = shape_BLI.size(2),
            .n_state = A.size(1),
            .u_stride = u.stride(),
            .delta_stride = delta.stride(),
            .B_stride = B.stride(),
            .C_stride = C.stride(),
            .z_stride = z.stride(),
            .delta_softplus = softplus,
            .u = u.data<T>(),
            .delta = delta.data<T>(),
            .A = data_or_null<T>(A),
            .B = B.data<T>(),
            .C = C.data<T>(),
            .D = data_or_null<T>(D),
            .z = z.data<T>(),
            .delta_bias = data_or_null<T>(delta_bias),
            .initial_state = data_or_null<T>(initial_state),
            .y = nullptr,
            .last_state = nullptr,
            .saved = nullptr};
  }
};

at::Tensor state_like(const at::Tensor& u, const at::Tensor& A) {
  return at::empty({u.size(0), u.size(2), A.size(1)}, A.options());
}

Results forward_cpu(const at::Tensor& u, const at::Tensor& delta, const at::Tensor& A,
                    const at::Tensor& B, const at::Tensor& C, const OptionalTensor& D,
                    const OptionalTensor& z, const OptionalTensor& delta_bias, bool softplus,
                    const OptionalTensor& initial_state, bool save) {
  check_selective_scan(u, delta, A, B, C, D, z, delta_bias, initial_state);
  check_cpu_type("selective_scan", "u", u);
  const Arguments arguments(u, delta, A, B, C, D, z, delta_bias, initial_state);
  const at::Tensor y = at::empty(u.sizes(), u.options());
  const at::Tensor last_state = state_like(u, A);
  const int64_t segments = kernels::cpu::segments(u.size(1));
  const at::Tensor saved = save
                               ? at::empty({u.size(0), segments, A.size(1), u.size(2)}, A.options())
                               : at::empty({0}, A.options());
  AT_DISPATCH_FLOATING_TYPES(u.scalar_type(), "selective_scan", [&] {
    auto params = arguments.params<scalar_t>(u, softplus);
    params.y = y.data_ptr<scalar_t>();
    params.last_state = last_state.data_ptr<scalar_t>();
    params.saved = save ? saved.data_ptr<scalar_t>() : nullptr;
    const int64_t blocks = u.size(0) * kernels::cpu::channel_blocks(u.size(2));
    for_blocks(blocks, [&](int64_t begin, int64_t end) {
      kernels::cpu::selective_scan_forward(params, begin, end);
    });
  });
  return {y, last_state, saved};
}

Gradients backward_cpu(const at::Tensor& dy, const OptionalTensor& dlast_state, const at::Tensor& u,
                       const at::Tensor& delta, const at::Tensor& A, const at::Tensor& B,
                       const at::Tensor& C, const OptionalTensor& D, const OptionalTensor& z,
                       const OptionalTensor& delta_bias, bool softplus,
                       const OptionalTensor& initial_state, const at::Tensor& saved) {
  const Arguments arguments(u, delta, A, B, C, D, z, delta_bias, initial_state);
  const Rows dy_rows(dy);
  const at::Tensor dlast = contiguous_or_undefined(dlast_state);
  const int64_t batch = u.size(0);
  const int64_t width = u.size(2);
  const int64_t channel_blocks = kernels::cpu::channel_blocks(width);
  const at::Tensor du = at::empty(u.sizes(), u.options());
  const at::Tensor ddelta = at::empty(u.sizes(), u.options());
  const at::Tensor dz = has(z) ? at::empty(u.sizes(), u.options()) : at::Tensor();
  const at::Tensor dinitial = has(initial_state) ? state_like(u, A) : at::Tensor();
  const at::Tensor dB = at::empty({channel_blocks, batch, u.size(1), A.size(1)}, u.options());
  const at::Tensor dC = at::empty_like(dB);
  const at::Tensor dA = at::empty({batch, width, A.size(1)}, A.options());
  const at::Tensor dD = at::empty({batch, width}, A.options());
  const at::Tensor dbias = at::empty({batch, width}, A.options());
  Gradients gradients;
  AT_DISPATCH_FLOATING_TYPES(u.scalar_type(), "selective_scan_backward", [&] {
    kernels::SelectiveScanGradParams<scalar_t, scalar_t> params{};
    params.forward = arguments.params<scalar_t>(u, softplus);
    params.forward.saved = saved.data_ptr<scalar_t>();
    params.dy_stride = dy_rows.stride();
    params.dy = dy_rows.data<scalar_t>();
    params.dlast_state = data_or_null<scalar_t>(dlast);
    params.du = du.data_ptr<scalar_t>();
    params.ddelta = ddelta.data_ptr<scalar_t>();
    params.dz = mutable_data_or_null<scalar_t>(dz);
    params.dinitial_state = mutable_data_or_null<scalar_t>(dinitial);
    const kernels::cpu::SelectiveScanPartials<scalar_t> parts{
        dB.data_ptr<scalar_t>(), dC.data_ptr<scalar_t>(), dA.data_ptr<scalar_t>(),
        dD.data_ptr<scalar_t>(), dbias.data_ptr<scalar_t>()};
    for_blocks(batch * channel_blocks, [&](int64_t begin, int64_t end) {
      kernels::cpu::selective_scan_backward(params, parts, begin, end);
    });
    const auto sum = sum_in_order<scalar_t>;
    gradients = {du,      ddelta,
                 sum(dA), sum(dB),
                 sum(dC), has(D) ? sum(dD) : at::Tensor(),
                 dz,      has(delta_bias) ? sum(dbias) : at::Tensor(),
                 dinitial};
  });
  return gradients;
}

Results forward_meta(const at::Tensor& u, const at::Tensor& delta, const at::Tensor& A,
                     const at::Tensor& B, const at::Tensor& C, const OptionalTensor& D,
                     const OptionalTensor& z, const OptionalTensor& delta_bias, bool /*softplus*/,
                     const OptionalTensor& initial_state, bool /*save*/) {
  check_selective_scan(u, delta, A, B, C, D, z, delta_bias, initial_state);
  return {at::empty(u.sizes(), u.options()), state_like(u, A), at::empty({0}, A.options())};
}

Results call_forward(const at::Tensor& u, const at::Tensor& delta, const at::Tensor& A,
                     const at::Tensor& B, const at::Tensor& C, const OptionalTensor& D,
                     const OptionalTensor& z, const OptionalTensor& delta_bias, bool softplus,
                     const OptionalTensor& initial_state, bool save) {
  static const auto op = find_operator<decltype(forward_cpu)>("icl::selective_scan_forward");
  return op.call(u, delta, A, B, C, D, z, delta_bias, softplus, initial_state, save);
}

std::tuple<at::Tensor, at::Tensor> without_gradients(
    const at::Tensor& u, const at::Tensor& delta, const at::Tensor& A, const at::Tensor& B,
    const at::Tensor& C, const OptionalTensor& D, const OptionalTensor& z,
    const OptionalTensor& delta_bias, bool softplus, const OptionalTensor& initial_state) {
  const auto [y, state, saved] =
      call_forward(u, delta, A, B, C, D, z, delta_bias, softplus, initial_state, /*save=*/false);
  return {y, state};
}

class SelectiveScan : public torch::autograd::Function<SelectiveScan> {
 public:
  static variable_list forward(AutogradContext* context, const at::Tensor& u,
                               const at::Tensor& delta, const at::Tensor& A, const at::Tensor& B,
                               const at::Tensor& C, const OptionalTensor& D,
                               const OptionalTensor& z, const OptionalTensor& delta_bias,
                               bool softplus, const OptionalTensor& initial_state) {
    const at::AutoDispatchBelowADInplaceOrView below;
    const auto [y, state, saved] =
        call_forward(u, delta, A, B, C, D, z, delta_bias, softplus, initial_state, /*save=*/true);
    context->save_for_backward({u, delta, A, B, C, or_undefined(D), or_undefined(z),
                                or_undefined(delta_bias), or_undefined(initial_state), saved});
    context->saved_data["softplus"] = softplus;
    context->set_materialize_grads(false);
    return {y, state};
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    static const auto op = find_operator<decltype(backward_cpu)>("icl::selective_scan_backward");
    const variable_list s = context->get_saved_variables();
    const at::Tensor dy = gradients[0].defined() ? gradients[0] : at::zeros_like(s[0]);
    const at::Tensor& cause = gradients[0].defined() ? gradients[0] : gradients[1];
    variable_list made;
    {
      const at::AutoDispatchBelowADInplaceOrView below;
      const auto [du, ddelta, dA, dB, dC, dD, dz, dbias, dstate] =
          op.call(dy, or_nothing(gradients[1]), s[0], s[1], s[2], s[3], s[4], or_nothing(s[5]),
                  or_nothing(s[6]), or_nothing(s[7]), context->saved_data["softplus"].toBool(),
                  or_nothing(s[8]), s[9]);
      made = {du, ddelta, dA, dB, dC, dD, dz, dbias, at::Tensor(), dstate};
    }
    return once_differentiable("selective_scan", cause, made);
  }
};

std::tuple<at::Tensor, at::Tensor> with_gradients(const at::Tensor& u, const at::Tensor& delta,
                                                  const at::Tensor& A, const at::Tensor& B,
                                                  const at::Tensor& C, const OptionalTensor& D,
                                                  const OptionalTensor& z,
                                                  const OptionalTensor& delta_bias, bool softplus,
                                                  const OptionalTensor& initial_state) {
  if (!needs_gradient({u, delta, A, B, C, or_undefined(D), or_undefined(z),
                       or_undefined(delta_bias), or_undefined(initial_state)})) {
    const at::AutoDispatchBelowADInplaceOrView below;
    return without_gradients(u, delta, A, B, C, D, z, delta_bias, softplus, initial_state);
  }
  const variable_list results =
      SelectiveScan::apply(u, delta, A, B, C, D, z, delta_bias, softplus, initial_state);
  return {results[0], results[1]};
}

TORCH_LIBRARY_IMPL(icl, CPU, library) {
  library.impl("selective_scan", without_gradients);
  library.impl("selective_scan_forward", forward_cpu);
  library.impl("selective_scan_backward", backward_cpu);
}
TORCH_LIBRARY_IMPL(icl, CUDA, library) {
  library.impl("selective_scan", without_gradients);
}
TORCH_LIBRARY_IMPL(icl, Meta, library) {
  library.impl("selective_scan", without_gradients);
  library.impl("selective_scan_forward", forward_meta);
}
TORCH_LIBRARY_IMPL(icl, Autograd, library) {
  library.impl("selective_scan", with_gradients);
}

}  // namespace

std::tuple<at::Tensor, at::Tensor> selective_scan(
    const at::Tensor& u, const at::Tensor& delta, const at::Tensor& A, const at::Tensor& B,
    const at::Tensor& C, const OptionalTensor& D, const OptionalTensor& z,
    const OptionalTensor& delta_bias, bool delta_softplus, const OptionalTensor& initial_state) {
  static const auto op = find_operator<decltype(without_gradients)>("icl::selective_scan");
  return op.call(u, delta, A, B, C, D, z, delta_bias, delta_softplus, initial_state);
}

at::Tensor selective_scan_queries(const at::Tensor& is_query, const at::Tensor& u,
                                  const at::Tensor& delta, const at::Tensor& A, const at::Tensor& B,
                                  const at::Tensor& C, const OptionalTensor& D,
                                  const OptionalTensor& z, const OptionalTensor& delta_bias,
                                  bool delta_softplus) {
  check_selective_scan(u, delta, A, B, C, D, z, delta_bias, {});
  check_is_query(is_query, u);
  check_device("selective_scan_queries", "u", u, at::kCPU);
  check_cpu_type("selective_scan_queries", "u", u);
  if (needs_gradient(
          {u, delta, A, B, C, or_undefined(D), or_undefined(z), or_undefined(delta_bias)})) {
    throw UsageError(
        "icl::selective_scan_queries has no gradients; for them use "
        "icl::selective_scan_queries_reference");
  }
  const Arguments arguments(u, delta, A, B, C, D, z, delta_bias, {});
  const at::Tensor flags = is_query.contiguous();
  const at::Tensor y = at::empty(u.sizes(), u.options());
  AT_DISPATCH_FLOATING_TYPES(u.scalar_type(), "selective_scan_queries", [&] {
    auto params = arguments.params<scalar_t>(u, delta_softplus);
    params.y = y.data_ptr<scalar_t>();
    const int64_t blocks = u.size(0) * kernels::cpu::channel_blocks(u.size(2));
    for_blocks(blocks, [&](int64_t begin, int64_t end) {
      kernels::cpu::selective_scan_forward(params, begin, end, flags.const_data_ptr<bool>());
    });
  });
  return y;
}

}  // namespace icl
