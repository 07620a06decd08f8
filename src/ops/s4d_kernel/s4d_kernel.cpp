// SPDX-License-Identifier: Apache-2.0
//
// The convolution kernel of S4D behind the dispatcher: schemas, checks, CPU kernels,
// shapes.
#include "icl/ops/s4d_kernel.h"

#include "icl/base/error.h"
#include "icl/base/shape.h"
#include "src/ops/cpu_parts.h"
#include "src/ops/registration.h"
#include "src/ops/s4d_kernel/arguments.h"

namespace icl {
namespace ops {

void check_s4d_kernel(const at::Tensor& log_dt, const at::Tensor& log_A_real,
                      const at::Tensor& A_imag, const at::Tensor& C, int64_t L) {
  Checker check("s4d_kernel", "log_dt", log_dt);
  check.dims(1);
  if (log_dt.scalar_type() != at::kFloat && log_dt.scalar_type() != at::kDouble) {
    throw UsageError(
        str("s4d_kernel: log_dt is ", describe_tensor(log_dt), ", expected float32 or float64"));
  }
  const bool has_modes = log_A_real.defined() && log_A_real.dim() == 2;
  const c10::SymInt modes = has_modes ? log_A_real.sym_size(1) : c10::SymInt(-1);
  check.parameter("log_A_real", log_A_real, {log_dt.sym_size(0), modes});
  check.parameter("A_imag", A_imag, {log_dt.sym_size(0), modes});
  check.parameter("C", C, {log_dt.sym_size(0), modes, 2});
  if (L < 0) check.problem(str("L is ", L, ", expected at least 0"));
  check.done();
}

namespace {

constexpr char kBackwardSchema[] =
    "s4d_kernel_backward(Tensor dk, Tensor log_dt, Tensor log_A_real, Tensor A_imag, Tensor C) -> "
    "(Tensor dlog_dt, Tensor dlog_A_real, Tensor dA_imag, Tensor dC)";

using Gradients = std::tuple<at::Tensor, at::Tensor, at::Tensor, at::Tensor>;

at::Tensor forward_cpu(const at::Tensor& log_dt, const at::Tensor& log_A_real,
                       const at::Tensor& A_imag, const at::Tensor& C, int64_t L) {
  check_s4d_kernel(log_dt, log_A_real, A_imag, C, L);
  const S4dKernelArguments arguments(log_dt, log_A_real, A_imag, C, L);
  const at::Tensor k = at::empty({log_dt.size(0), L}, log_dt.options());
  AT_DISPATCH_FLOATING_TYPES(log_dt.scalar_type(), "s4d_kernel", [&] {
    auto params = arguments.params<scalar_t>();
    params.k = write<scalar_t>(k);
    for_blocks(log_dt.size(0), [&](int64_t begin, int64_t end) {
      kernels::cpu::s4d_kernel_forward(params, begin, end);
    });
  });
  return k;
}

Gradients backward_cpu(const at::Tensor& dk, const at::Tensor& log_dt, const at::Tensor& log_A_real,
                       const at::Tensor& A_imag, const at::Tensor& C) {
  const S4dKernelArguments arguments(log_dt, log_A_real, A_imag, C, dk.size(1));
  const at::Tensor dk_c = dk.contiguous();
  const at::Tensor dlog_dt = grad_like(log_dt);
  const at::Tensor dlog_A_real = grad_like(log_A_real);
  const at::Tensor dA_imag = grad_like(A_imag);
  const at::Tensor dC = grad_like(C);
  AT_DISPATCH_FLOATING_TYPES(log_dt.scalar_type(), "s4d_kernel_backward", [&] {
    const kernels::S4dKernelGradParams<scalar_t> params{.forward = arguments.params<scalar_t>(),
                                                        .dk = read<scalar_t>(dk_c),
                                                        .dlog_dt = write<scalar_t>(dlog_dt),
                                                        .dlog_A_real = write<scalar_t>(dlog_A_real),
                                                        .dA_imag = write<scalar_t>(dA_imag),
                                                        .dC = write<scalar_t>(dC)};
    for_blocks(log_dt.size(0), [&](int64_t begin, int64_t end) {
      kernels::cpu::s4d_kernel_backward(params, begin, end);
    });
  });
  return {dlog_dt, dlog_A_real, dA_imag, dC};
}

at::Tensor forward_meta(const at::Tensor& log_dt, const at::Tensor& log_A_real,
                        const at::Tensor& A_imag, const at::Tensor& C, int64_t L) {
  check_s4d_kernel(log_dt, log_A_real, A_imag, C, L);
  return at::empty_symint({log_dt.sym_size(0), L}, log_dt.options());
}

TORCH_LIBRARY_FRAGMENT(icl, library) {
  const Registration kernel(library, kS4dKernelSchema, s4d_kernel_reference);
  kernel.kernels(forward_cpu, forward_meta);
  kernel.backward(kBackwardSchema, backward_cpu);
}

}  // namespace
}  // namespace ops

at::Tensor s4d_kernel(const at::Tensor& log_dt, const at::Tensor& log_A_real,
                      const at::Tensor& A_imag, const at::Tensor& C, int64_t L) {
  static const auto op = ops::find_operator<decltype(s4d_kernel)>("icl::s4d_kernel");
  return op.call(log_dt, log_A_real, A_imag, C, L);
}

}  // namespace icl
