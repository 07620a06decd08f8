// SPDX-License-Identifier: Apache-2.0
#include <ATen/ops/empty.h>

#include "icl/base/error.h"
#include "icl/base/shape.h"
#include "src/ops/cuda/device.h"
#include "src/ops/cuda/operators.h"

namespace icl::cuda {
namespace {

// The arguments as the kernels read them; keeps what had to be copied.
struct Arguments {
  Rows u, delta, B, C, z;
  at::Tensor A, D, delta_bias, initial_state;
  bool softplus;

  Arguments(const at::Tensor& u_, const at::Tensor& delta_, const at::Tensor& A_,
            const at::Tensor& B_, const at::Tensor& C_, const OptionalTensor& D_,
            const OptionalTensor& z_, const OptionalTensor& bias_, bool softplus_,
            const OptionalTensor& state_)
      : u(u_),
        delta(delta_),
        B(B_),
        C(C_),
        z(z_),
        A(aligned(A_)),
        D(contiguous(D_)),
        delta_bias(contiguous(bias_)),
        initial_state(contiguous(state_)),
        softplus(softplus_) {}

  template <class T, class S>
  kernels::SelectiveScanParams<T, S> params() const {
    kernels::SelectiveScanParams<T, S> p{};
    p.batch = u.tensor().size(0);
    p.length = u.tensor().size(1);
    p.width = u.tensor().size(2);
    p.n_state = A.size(1);
    p.u_stride = u.stride();
    p.delta_stride = delta.stride();
    p.B_stride = B.stride();
    p.C_stride = C.stride();
    p.z_stride = z.stride();
    p.delta_softplus = softplus;
    p.u = read<T>(u);
    p.delta = read<T>(delta);
    p.A = read<S>(A);
    p.B = read<T>(B);
    p.C = read<T>(C);
    p.D = read<S>(D);
    p.z = read<T>(z);
    p.delta_bias = read<S>(delta_bias);
    p.initial_state = read<S>(initial_state);
    return p;
  }
};

at::Tensor empty_state(const at::Tensor& u, const at::Tensor& A) {
  return at::empty({u.size(0), u.size(2), A.size(1)}, A.options());
}

}  // namespace

std::tuple<at::Tensor, at::Tensor, at::Tensor> selective_scan_forward(
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
  const Arguments arguments(u, delta, A, B, C, D, z, delta_bias, softplus, initial_state);
  const at::Tensor y = at::empty(u.sizes(), u.options());
  const at::Tensor last_state = empty_state(u, A);
  at::Tensor saved;
  for_types(u.scalar_type(), [&]<class T, class S>() {
    auto p = arguments.params<T, S>();
    p.y = write<T>(y);
    p.last_state = write<S>(last_state);
    saved = at::empty({save ? kernels::selective_scan_saved<T, S>(p) : 0}, A.options());
    p.saved = save ? write<S>(saved) : nullptr;
    const kernels::ScanPlan plan =
        kernels::plan_scan_forward(p.batch, p.length, p.width, p.n_state, gpu.multiprocessors());
    const at::Tensor workspace =
        at::empty({kernels::selective_scan_workspace<T, S>(p, plan)}, A.options());
    check_launch("selective_scan",
                 kernels::selective_scan<T, S>(p, plan, write<S>(workspace), gpu.stream()));
  });
  return {y, last_state, saved};
}

std::tuple<at::Tensor, at::Tensor, at::Tensor, at::Tensor, at::Tensor, at::Tensor, at::Tensor,
           at::Tensor, at::Tensor>
selective_scan_backward(const at::Tensor& dy, const OptionalTensor& dlast_state,
                        const at::Tensor& u, const at::Tensor& delta, const at::Tensor& A,
                        const at::Tensor& B, const at::Tensor& C, const OptionalTensor& D,
                        const OptionalTensor& z, const OptionalTensor& delta_bias, bool softplus,
                        const OptionalTensor& initial_state, const at::Tensor& saved) {
  const Gpu gpu(u);
  const Arguments arguments(u, delta, A, B, C, D, z, delta_bias, softplus, initial_state);
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

}  // namespace icl::cuda
