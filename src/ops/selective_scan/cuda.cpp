// SPDX-License-Identifier: Apache-2.0
#include <ATen/ops/empty.h>

#include "icl/base/error.h"
#include "icl/base/shape.h"
#include "src/ops/cuda_device.h"
#include "src/ops/selective_scan/arguments.h"

namespace icl::ops {
namespace {

std::tuple<at::Tensor, at::Tensor, at::Tensor> forward(
    const at::Tensor& u, const at::Tensor& delta, const at::Tensor& A, const at::Tensor& B,
    const at::Tensor& C, const OptionalTensor& D, const OptionalTensor& z,
    const OptionalTensor& delta_bias, bool softplus, const OptionalTensor& initial_state,
    bool save) {
  check_selective_scan(u, delta, A, B, C, D, z, delta_bias, initial_state);
  if (u.size(1) > kernels::kMostScanLength) {
    throw UsageError(str("selective_scan: u is ", describe_tensor(u), ", expected at most ",
                         kernels::kMostScanLength,
                         " steps on a GPU; split the sequence and pass last_state on"));
  }
  const Gpu gpu(u);
  const SelectiveScanArguments arguments(u, delta, A, B, C, D, z, delta_bias, softplus,
                                         initial_state);
  const auto results = empty_selective_scan_results(u, A, save);
  for_types(u.scalar_type(), [&]<class T, class S>() {
    auto p = arguments.params<T, S>();
    p.y = write<T>(std::get<0>(results));
    p.last_state = write<S>(std::get<1>(results));
    p.saved = save ? write<S>(std::get<2>(results)) : nullptr;
    const kernels::ScanPlan plan =
        kernels::plan_scan_forward(p.batch, p.length, p.width, p.n_state, gpu.multiprocessors());
    const at::Tensor workspace =
        at::empty({kernels::selective_scan_workspace<T, S>(p, plan)}, A.options());
    check_launch("selective_scan",
                 kernels::selective_scan<T, S>(p, plan, write<S>(workspace), gpu.stream()));
  });
  return results;
}

std::tuple<at::Tensor, at::Tensor, at::Tensor, at::Tensor, at::Tensor, at::Tensor, at::Tensor,
           at::Tensor, at::Tensor>
backward(const at::Tensor& dy, const OptionalTensor& dlast_state, const at::Tensor& u,
         const at::Tensor& delta, const at::Tensor& A, const at::Tensor& B, const at::Tensor& C,
         const OptionalTensor& D, const OptionalTensor& z, const OptionalTensor& delta_bias,
         bool softplus, const OptionalTensor& initial_state, const at::Tensor& saved) {
  const Gpu gpu(u);
  const SelectiveScanArguments arguments(u, delta, A, B, C, D, z, delta_bias, softplus,
                                         initial_state);
  const Rows dy_rows(dy);
  const at::Tensor dlast = has(dlast_state) ? aligned(*dlast_state) : at::Tensor();
  const at::Tensor du = grad_like(u), ddelta = grad_like(delta), dA = grad_like(A);
  const at::Tensor dB = grad_like(B), dC = grad_like(C), dD = grad_like(D), dz = grad_like(z);
  const at::Tensor dbias = grad_like(delta_bias), dinitial = grad_like(initial_state);
  for_types(u.scalar_type(), [&]<class T, class S>() {
    kernels::SelectiveScanGradParams<T, S> grad{};
    grad.forward = arguments.params<T, S>();
    grad.forward.saved = write<S>(saved);
    grad.dy_stride = dy_rows.stride();
    grad.dy = read<T>(dy_rows);
    grad.dlast_state = read<S>(dlast);
    grad.du = write<T>(du);
    grad.ddelta = write<T>(ddelta);
    grad.dA = write<S>(dA);
    grad.dB = write<T>(dB);
    grad.dC = write<T>(dC);
    grad.dD = write<S>(dD);
    grad.dz = write<T>(dz);
    grad.ddelta_bias = write<S>(dbias);
    grad.dinitial_state = write<S>(dinitial);
    const auto& p = grad.forward;
    const kernels::ScanPlan plan =
        kernels::plan_scan_backward(p.batch, p.length, p.width, p.n_state, gpu.multiprocessors());
    const at::Tensor workspace =
        at::empty({kernels::selective_scan_grad_workspace<T, S>(grad, plan)}, A.options());
    check_launch("selective_scan_backward",
                 kernels::selective_scan_grad<T, S>(grad, plan, write<S>(workspace), gpu.stream()));
  });
  if (u.size(1) == 0 && dinitial.defined()) {  // no step: the state went through as it was
    has(dlast_state) ? dinitial.copy_(*dlast_state) : dinitial.zero_();
  }
  return {du, ddelta, dA, dB, dC, dD, dz, dbias, dinitial};
}

TORCH_LIBRARY_IMPL(icl, ICL_KERNEL_KEY, library) {
  library.impl("selective_scan_forward", forward);
  library.impl("selective_scan_backward", backward);
}

}  // namespace
}  // namespace icl::ops
