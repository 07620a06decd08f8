// SPDX-License-Identifier: Apache-2.0
#include <ATen/ops/empty.h>

#include "src/ops/cuda_device.h"
#include "src/ops/wkv/arguments.h"

namespace icl::ops {
namespace {

std::tuple<at::Tensor, at::Tensor, at::Tensor> forward(const at::Tensor& decay,
                                                       const at::Tensor& bonus, const at::Tensor& k,
                                                       const at::Tensor& v,
                                                       const OptionalTensor& state, bool save) {
  check_wkv(decay, bonus, k, v, state);
  const Gpu gpu(k);
  const WkvArguments arguments(decay, bonus, k, v, state);
  const auto results = empty_wkv_results(decay, k, save);
  for_types(k.scalar_type(), [&]<class T, class S>() {
    auto p = arguments.params<T, S>();
    p.y = write<T>(std::get<0>(results));
    p.last_state = write<S>(std::get<1>(results));
    p.saved = save ? write<S>(std::get<2>(results)) : nullptr;
    check_launch("wkv", kernels::wkv<T, S>(p, gpu.stream()));
  });
  return results;
}

std::tuple<at::Tensor, at::Tensor, at::Tensor, at::Tensor, at::Tensor> backward(
    const at::Tensor& dy, const OptionalTensor& dlast_state, const at::Tensor& decay,
    const at::Tensor& bonus, const at::Tensor& k, const at::Tensor& v, const OptionalTensor& state,
    const at::Tensor& saved) {
  const Gpu gpu(k);
  const WkvArguments arguments(decay, bonus, k, v, state);
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

TORCH_LIBRARY_IMPL(icl, ICL_KERNEL_KEY, library) {
  library.impl("wkv_forward", forward);
  library.impl("wkv_backward", backward);
}

}  // namespace
}  // namespace icl::ops
