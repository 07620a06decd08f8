// SPDX-License-Identifier: Apache-2.0
#include <ATen/ops/empty.h>

#include "src/ops/cuda/device.h"
#include "src/ops/cuda/operators.h"

namespace icl::cuda {
namespace {

struct Arguments {
  at::Tensor decay, bonus, state;
  Rows k, v;

  Arguments(const at::Tensor& decay_, const at::Tensor& bonus_, const at::Tensor& k_,
            const at::Tensor& v_, const OptionalTensor& state_)
      : decay(decay_.contiguous()),
        bonus(bonus_.contiguous()),
        state(contiguous(state_)),
        k(k_),
        v(v_) {}

  template <class T, class S>
  kernels::WkvParams<T, S> params() const {
    kernels::WkvParams<T, S> p{};
    p.batch = k.tensor().size(0);
    p.length = k.tensor().size(1);
    p.width = k.tensor().size(2);
    p.k_stride = k.stride();
    p.v_stride = v.stride();
    p.decay = read<S>(decay);
    p.bonus = read<S>(bonus);
    p.k = read<T>(k);
    p.v = read<T>(v);
    p.state = read<S>(state);
    return p;
  }
};

}  // namespace

std::tuple<at::Tensor, at::Tensor, at::Tensor> wkv_forward(const at::Tensor& decay,
                                                           const at::Tensor& bonus,
                                                           const at::Tensor& k, const at::Tensor& v,
                                                           const OptionalTensor& state, bool save) {
  check_wkv(decay, bonus, k, v, state);
  const Gpu gpu(k);
  const Arguments arguments(decay, bonus, k, v, state);
  const at::Tensor y = at::empty(k.sizes(), k.options());
  const at::Tensor last = at::empty({k.size(0), 3, k.size(2)}, decay.options());
  at::Tensor saved;
  for_types(k.scalar_type(), [&]<class T, class S>() {
    auto p = arguments.params<T, S>();
    p.y = write<T>(y);
    p.last_state = write<S>(last);
    saved = at::empty({save ? kernels::wkv_saved<T, S>(p) : 0}, decay.options());
    p.saved = save ? write<S>(saved) : nullptr;
    check_launch("wkv", kernels::wkv<T, S>(p, gpu.stream()));
  });
  return {y, last, saved};
}

std::tuple<at::Tensor, at::Tensor, at::Tensor, at::Tensor, at::Tensor> wkv_backward(
    const at::Tensor& dy, const OptionalTensor& dlast_state, const at::Tensor& decay,
    const at::Tensor& bonus, const at::Tensor& k, const at::Tensor& v, const OptionalTensor& state,
    const at::Tensor& saved) {
  const Gpu gpu(k);
  const Arguments arguments(decay, bonus, k, v, state);
  const Rows dy_rows(dy);
  const at::Tensor dlast = contiguous(dlast_state);
  const at::Tensor ddecay = grad_like(decay), dbonus = grad_like(bonus), dk = grad_like(k);
  const at::Tensor dv = grad_like(v), dstate = grad_like(state);
  for_types(k.scalar_type(), [&]<class T, class S>() {
    kernels::WkvGradParams<T, S> grad{};
    grad.forward = arguments.params<T, S>();
    grad.forward.saved = write<S>(saved);
    grad.dy_stride = dy_rows.stride();
    grad.dy = read<T>(dy_rows);
    grad.dlast_state = read<S>(dlast);
    grad.ddecay = write<S>(ddecay);
    grad.dbonus = write<S>(dbonus);
    grad.dk = write<T>(dk);
    grad.dv = write<T>(dv);
    grad.dstate = write<S>(dstate);
    const at::Tensor workspace =
        at::empty({kernels::wkv_grad_workspace<T, S>(grad)}, decay.options());
    check_launch("wkv_backward", kernels::wkv_grad<T, S>(grad, write<S>(workspace), gpu.stream()));
  });
  return {ddecay, dbonus, dk, dv, dstate};
}

}  // namespace icl::cuda
