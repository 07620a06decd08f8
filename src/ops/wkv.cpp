// SPDX-License-Identifier: Apache-2.0
//
// The time mixing of RWKV-4 behind the dispatcher: CPU kernels, shapes, gradients.
#include "icl/ops/wkv.h"

#include <ATen/ATen.h>
#include <torch/library.h>

#include "src/ops/autograd.h"
#include "src/ops/cpu_parts.h"
#include "src/ops/internal.h"
#include "src/ops/rows.h"

namespace icl {
namespace {

using Pair = std::tuple<at::Tensor, at::Tensor>;
using Results = std::tuple<at::Tensor, at::Tensor, at::Tensor>;
using Gradients = std::tuple<at::Tensor, at::Tensor, at::Tensor, at::Tensor, at::Tensor>;

// The arguments in the form that kernels read; keeps what it had to copy.
struct Arguments {
  at::Tensor decay, bonus, state;
  Rows k, v;

  Arguments(const at::Tensor& decay_, const at::Tensor& bonus_, const at::Tensor& k_,
            const at::Tensor& v_, const OptionalTensor& state_)
      : decay(decay_.contiguous()),
        bonus(bonus_.contiguous()),
        state(contiguous_or_undefined(state_)),
        k(k_),
        v(v_) {}

  template <class T>
  kernels::WkvParams<T, T> params(const at::Tensor& shape_BLC) const {
    return {.batch = shape_BLC.size(0),
            .length = shape_BLC.size(1),
            .width = shape_BLC.size(2),
            .k_stride = k.stride(),
            .v_stride = v.stride(),
            .decay = decay.const_data_ptr<T>(),
            .bonus = bonus.const_data_ptr<T>(),
            .k = k.data<T>(),
            .v = v.data<T>(),
            .state = data_or_null<T>(state),
            .y = nullptr,
            .last_state = nullptr,
            .saved = nullptr};
  }
};

at::Tensor state_like(const at::Tensor& k, const at::Tensor& decay) {
  return at::empty({k.size(0), 3, k.size(2)}, decay.options());
}

Results forward_cpu(const at::Tensor& decay, const at::Tensor& bonus, const at::Tensor& k,
                    const at::Tensor& v, const OptionalTensor& state, bool save) {
  check_wkv(decay, bonus, k, v, state);
  check_cpu_type("wkv", "k", k);
  const Arguments arguments(decay, bonus, k, v, state);
  const at::Tensor y = at::empty(k.sizes(), k.options());
  const at::Tensor last_state = state_like(k, decay);
  const int64_t segments = kernels::cpu::segments(k.size(1));
  const at::Tensor saved = save ? at::empty({k.size(0), segments, 3, k.size(2)}, decay.options())
                                : at::empty({0}, decay.options());
  AT_DISPATCH_FLOATING_TYPES(k.scalar_type(), "wkv", [&] {
    auto params = arguments.params<scalar_t>(k);
    params.y = y.data_ptr<scalar_t>();
    params.last_state = last_state.data_ptr<scalar_t>();
    params.saved = save ? saved.data_ptr<scalar_t>() : nullptr;
    for_blocks(k.size(0) * kernels::cpu::channel_blocks(k.size(2)),
               [&](int64_t begin, int64_t end) { kernels::cpu::wkv_forward(params, begin, end); });
  });
  return {y, last_state, saved};
}

Gradients backward_cpu(const at::Tensor& dy, const OptionalTensor& dlast_state,
                       const at::Tensor& decay, const at::Tensor& bonus, const at::Tensor& k,
                       const at::Tensor& v, const OptionalTensor& state, const at::Tensor& saved) {
  const Arguments arguments(decay, bonus, k, v, state);
  const Rows dy_rows(dy);
  const at::Tensor dlast = contiguous_or_undefined(dlast_state);
  const int64_t batch = k.size(0);
  const int64_t width = k.size(2);
  const at::Tensor dk = at::empty(k.sizes(), k.options());
  const at::Tensor dv = at::empty(k.sizes(), k.options());
  const at::Tensor dstate = has(state) ? state_like(k, decay) : at::Tensor();
  const at::Tensor ddecay = at::empty({batch, width}, decay.options());
  const at::Tensor dbonus = at::empty({batch, width}, decay.options());
  Gradients gradients;
  AT_DISPATCH_FLOATING_TYPES(k.scalar_type(), "wkv_backward", [&] {
    kernels::WkvGradParams<scalar_t, scalar_t> params{};
    params.forward = arguments.params<scalar_t>(k);
    params.forward.saved = saved.data_ptr<scalar_t>();
    params.dy_stride = dy_rows.stride();
    params.dy = dy_rows.data<scalar_t>();
    params.dlast_state = data_or_null<scalar_t>(dlast);
    params.dk = dk.data_ptr<scalar_t>();
    params.dv = dv.data_ptr<scalar_t>();
    params.dstate = mutable_data_or_null<scalar_t>(dstate);
    for_blocks(batch * kernels::cpu::channel_blocks(width), [&](int64_t begin, int64_t end) {
      kernels::cpu::wkv_backward(params, ddecay.data_ptr<scalar_t>(), dbonus.data_ptr<scalar_t>(),
                                 begin, end);
    });
    const auto sum = sum_in_order<scalar_t>;
    gradients = {sum(ddecay), sum(dbonus), dk, dv, dstate};
  });
  return gradients;
}

Results forward_meta(const at::Tensor& decay, const at::Tensor& bonus, const at::Tensor& k,
                     const at::Tensor& v, const OptionalTensor& state, bool /*save*/) {
  check_wkv(decay, bonus, k, v, state);
  return {at::empty(k.sizes(), k.options()), state_like(k, decay), at::empty({0}, decay.options())};
}

Results call_forward(const at::Tensor& decay, const at::Tensor& bonus, const at::Tensor& k,
                     const at::Tensor& v, const OptionalTensor& state, bool save) {
  static const auto op = find_operator<decltype(forward_cpu)>("icl::wkv_forward");
  return op.call(decay, bonus, k, v, state, save);
}

Pair without_gradients(const at::Tensor& decay, const at::Tensor& bonus, const at::Tensor& k,
                       const at::Tensor& v, const OptionalTensor& state) {
  const auto [y, last_state, saved] = call_forward(decay, bonus, k, v, state, /*save=*/false);
  return {y, last_state};
}

class Wkv : public torch::autograd::Function<Wkv> {
 public:
  static variable_list forward(AutogradContext* context, const at::Tensor& decay,
                               const at::Tensor& bonus, const at::Tensor& k, const at::Tensor& v,
                               const OptionalTensor& state) {
    const at::AutoDispatchBelowADInplaceOrView below;
    const auto [y, last_state, saved] = call_forward(decay, bonus, k, v, state, /*save=*/true);
    context->save_for_backward({decay, bonus, k, v, or_undefined(state), saved});
    context->set_materialize_grads(false);
    return {y, last_state};
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    static const auto op = find_operator<decltype(backward_cpu)>("icl::wkv_backward");
    const variable_list s = context->get_saved_variables();
    const at::Tensor dy = gradients[0].defined() ? gradients[0] : at::zeros_like(s[2]);
    const at::Tensor& cause = gradients[0].defined() ? gradients[0] : gradients[1];
    variable_list made;
    {
      const at::AutoDispatchBelowADInplaceOrView below;
      const auto [ddecay, dbonus, dk, dv, dstate] =
          op.call(dy, or_nothing(gradients[1]), s[0], s[1], s[2], s[3], or_nothing(s[4]), s[5]);
      made = {ddecay, dbonus, dk, dv, dstate};
    }
    return once_differentiable("wkv", cause, made);
  }
};

Pair with_gradients(const at::Tensor& decay, const at::Tensor& bonus, const at::Tensor& k,
                    const at::Tensor& v, const OptionalTensor& state) {
  if (!needs_gradient({decay, bonus, k, v, or_undefined(state)})) {
    const at::AutoDispatchBelowADInplaceOrView below;
    return without_gradients(decay, bonus, k, v, state);
  }
  const variable_list results = Wkv::apply(decay, bonus, k, v, state);
  return {results[0], results[1]};
}

TORCH_LIBRARY_IMPL(icl, CPU, library) {
  library.impl("wkv", without_gradients);
  library.impl("wkv_forward", forward_cpu);
  library.impl("wkv_backward", backward_cpu);
}
TORCH_LIBRARY_IMPL(icl, CUDA, library) {
  library.impl("wkv", without_gradients);
}
TORCH_LIBRARY_IMPL(icl, Meta, library) {
  library.impl("wkv", without_gradients);
  library.impl("wkv_forward", forward_meta);
}
TORCH_LIBRARY_IMPL(icl, Autograd, library) {
  library.impl("wkv", with_gradients);
}

}  // namespace

Pair wkv(const at::Tensor& decay, const at::Tensor& bonus, const at::Tensor& k, const at::Tensor& v,
         const OptionalTensor& state) {
  static const auto op = find_operator<decltype(without_gradients)>("icl::wkv");
  return op.call(decay, bonus, k, v, state);
}

}  // namespace icl
