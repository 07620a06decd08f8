// SPDX-License-Identifier: Apache-2.0
//
// The convolution kernel of S4D behind the dispatcher: CPU kernels, shapes, gradients.
#include "icl/ops/s4d_kernel.h"

#include <ATen/ATen.h>
#include <torch/library.h>

#include "src/ops/autograd.h"
#include "src/ops/cpu_parts.h"
#include "src/ops/internal.h"

namespace icl {
namespace {

using Gradients = std::tuple<at::Tensor, at::Tensor, at::Tensor, at::Tensor>;

// The arguments in the form that kernels read; keeps what it had to copy.
struct Arguments {
  at::Tensor log_dt, log_A_real, A_imag, C;

  Arguments(const at::Tensor& log_dt_, const at::Tensor& log_A_real_, const at::Tensor& A_imag_,
            const at::Tensor& C_)
      : log_dt(log_dt_.contiguous()),
        log_A_real(log_A_real_.contiguous()),
        A_imag(A_imag_.contiguous()),
        C(C_.contiguous()) {}

  template <class T>
  kernels::S4dKernelParams<T> params(int64_t L) const {
    return {.channels = log_dt.size(0),
            .modes = log_A_real.size(1),
            .length = L,
            .log_dt = log_dt.const_data_ptr<T>(),
            .log_A_real = log_A_real.const_data_ptr<T>(),
            .A_imag = A_imag.const_data_ptr<T>(),
            .C = C.const_data_ptr<T>(),
            .k = nullptr};
  }
};

at::Tensor forward_cpu(const at::Tensor& log_dt, const at::Tensor& log_A_real,
                       const at::Tensor& A_imag, const at::Tensor& C, int64_t L) {
  check_s4d_kernel(log_dt, log_A_real, A_imag, C, L);
  const Arguments arguments(log_dt, log_A_real, A_imag, C);
  const at::Tensor k = at::empty({log_dt.size(0), L}, log_dt.options());
  AT_DISPATCH_FLOATING_TYPES(log_dt.scalar_type(), "s4d_kernel", [&] {
    auto params = arguments.params<scalar_t>(L);
    params.k = k.data_ptr<scalar_t>();
    for_blocks(log_dt.size(0), [&](int64_t begin, int64_t end) {
      kernels::cpu::s4d_kernel_forward(params, begin, end);
    });
  });
  return k;
}

Gradients backward_cpu(const at::Tensor& dk, const at::Tensor& log_dt, const at::Tensor& log_A_real,
                       const at::Tensor& A_imag, const at::Tensor& C) {
  const Arguments arguments(log_dt, log_A_real, A_imag, C);
  const at::Tensor dk_c = dk.contiguous();
  const at::Tensor dlog_dt = at::empty(log_dt.sizes(), log_dt.options());
  const at::Tensor dlog_A_real = at::empty(log_A_real.sizes(), log_dt.options());
  const at::Tensor dA_imag = at::empty(A_imag.sizes(), log_dt.options());
  const at::Tensor dC = at::empty(C.sizes(), log_dt.options());
  AT_DISPATCH_FLOATING_TYPES(log_dt.scalar_type(), "s4d_kernel_backward", [&] {
    const kernels::S4dKernelGradParams<scalar_t> params{
        .forward = arguments.params<scalar_t>(dk.size(1)),
        .dk = dk_c.const_data_ptr<scalar_t>(),
        .dlog_dt = dlog_dt.data_ptr<scalar_t>(),
        .dlog_A_real = dlog_A_real.data_ptr<scalar_t>(),
        .dA_imag = dA_imag.data_ptr<scalar_t>(),
        .dC = dC.data_ptr<scalar_t>()};
    for_blocks(log_dt.size(0), [&](int64_t begin, int64_t end) {
      kernels::cpu::s4d_kernel_backward(params, begin, end);
    });
  });
  return {dlog_dt, dlog_A_real, dA_imag, dC};
}

at::Tensor forward_meta(const at::Tensor& log_dt, const at::Tensor& log_A_real,
                        const at::Tensor& A_imag, const at::Tensor& C, int64_t L) {
  check_s4d_kernel(log_dt, log_A_real, A_imag, C, L);
  return at::empty({log_dt.size(0), L}, log_dt.options());
}

at::Tensor call(const at::Tensor& log_dt, const at::Tensor& log_A_real, const at::Tensor& A_imag,
                const at::Tensor& C, int64_t L) {
  static const auto op = find_operator<decltype(forward_cpu)>("icl::s4d_kernel");
  return op.call(log_dt, log_A_real, A_imag, C, L);
}

class S4dKernel : public torch::autograd::Function<S4dKernel> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& log_dt,
                            const at::Tensor& log_A_real, const at::Tensor& A_imag,
                            const at::Tensor& C, int64_t L) {
    const at::AutoDispatchBelowADInplaceOrView below;
    context->save_for_backward({log_dt, log_A_real, A_imag, C});
    return call(log_dt, log_A_real, A_imag, C, L);
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    static const auto op = find_operator<decltype(backward_cpu)>("icl::s4d_kernel_backward");
    const variable_list s = context->get_saved_variables();
    variable_list made;
    {
      const at::AutoDispatchBelowADInplaceOrView below;
      const auto [dlog_dt, dlog_A_real, dA_imag, dC] =
          op.call(gradients[0], s[0], s[1], s[2], s[3]);
      made = {dlog_dt, dlog_A_real, dA_imag, dC, at::Tensor()};
    }
    return once_differentiable("s4d_kernel", gradients[0], made);
  }
};

at::Tensor with_gradients(const at::Tensor& log_dt, const at::Tensor& log_A_real,
                          const at::Tensor& A_imag, const at::Tensor& C, int64_t L) {
  return S4dKernel::apply(log_dt, log_A_real, A_imag, C, L);
}

TORCH_LIBRARY_IMPL(icl, CPU, library) {
  library.impl("s4d_kernel", forward_cpu);
  library.impl("s4d_kernel_backward", backward_cpu);
}
TORCH_LIBRARY_IMPL(icl, Meta, library) {
  library.impl("s4d_kernel", forward_meta);
}
TORCH_LIBRARY_IMPL(icl, Autograd, library) {
  library.impl("s4d_kernel", with_gradients);
}

}  // namespace

at::Tensor s4d_kernel(const at::Tensor& log_dt, const at::Tensor& log_A_real,
                      const at::Tensor& A_imag, const at::Tensor& C, int64_t L) {
  return call(log_dt, log_A_real, A_imag, C, L);
}

}  // namespace icl
