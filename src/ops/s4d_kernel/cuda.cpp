// SPDX-License-Identifier: Apache-2.0
#include <ATen/ops/empty.h>

#include "src/ops/cuda_device.h"
#include "src/ops/s4d_kernel/arguments.h"

namespace icl::ops {
namespace {

// No 16-bit types here: the checks let only float32 and float64 through.
template <class F>
void for_wide_types(at::ScalarType type, F&& f) {
  type == at::kDouble ? f(double()) : f(float());
}

at::Tensor forward(const at::Tensor& log_dt, const at::Tensor& log_A_real, const at::Tensor& A_imag,
                   const at::Tensor& C, int64_t L) {
  check_s4d_kernel(log_dt, log_A_real, A_imag, C, L);
  const Gpu gpu(log_dt);
  const S4dKernelArguments arguments(log_dt, log_A_real, A_imag, C, L);
  const at::Tensor k = at::empty({log_dt.size(0), L}, log_dt.options());
  for_wide_types(log_dt.scalar_type(), [&](auto zero) {
    using S = decltype(zero);
    auto p = arguments.params<S>();
    p.k = write<S>(k);
    check_launch("s4d_kernel", kernels::s4d_kernel<S>(p, gpu.stream()));
  });
  return k;
}

std::tuple<at::Tensor, at::Tensor, at::Tensor, at::Tensor> backward(const at::Tensor& dk,
                                                                    const at::Tensor& log_dt,
                                                                    const at::Tensor& log_A_real,
                                                                    const at::Tensor& A_imag,
                                                                    const at::Tensor& C) {
  const Gpu gpu(log_dt);
  const S4dKernelArguments arguments(log_dt, log_A_real, A_imag, C, dk.size(1));
  const at::Tensor dk_plain = dk.contiguous();
  const at::Tensor dlog_dt = grad_like(log_dt), dlog_A_real = grad_like(log_A_real);
  const at::Tensor dA_imag = grad_like(A_imag), dC = grad_like(C);
  for_wide_types(log_dt.scalar_type(), [&](auto zero) {
    using S = decltype(zero);
    const kernels::S4dKernelGradParams<S> grad{arguments.params<S>(), read<S>(dk_plain),
                                               write<S>(dlog_dt),     write<S>(dlog_A_real),
                                               write<S>(dA_imag),     write<S>(dC)};
    check_launch("s4d_kernel_backward", kernels::s4d_kernel_grad<S>(grad, gpu.stream()));
  });
  return {dlog_dt, dlog_A_real, dA_imag, dC};
}

TORCH_LIBRARY_IMPL(icl, ICL_KERNEL_KEY, library) {
  library.impl("s4d_kernel", forward);
  library.impl("s4d_kernel_backward", backward);
}

}  // namespace
}  // namespace icl::ops
