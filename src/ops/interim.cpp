// SPDX-License-Identifier: Apache-2.0
#include <ATen/core/dispatch/Dispatcher.h>
#include <torch/library.h>

#include "icl/ops/add_rms_norm.h"
#include "icl/ops/causal_conv1d.h"
#include "icl/ops/long_conv.h"
#include "icl/ops/s4d_kernel.h"
#include "icl/ops/wkv.h"
#include "src/ops/internal.h"

namespace icl {

TORCH_LIBRARY_IMPL(icl, CompositeImplicitAutograd, library) {
  library.impl("causal_conv1d", causal_conv1d_reference);
  library.impl("add_rms_norm", add_rms_norm_reference);
  library.impl("wkv", wkv_reference);
  library.impl("s4d_kernel", s4d_kernel_reference);
  library.impl("long_conv", long_conv_reference);
}

at::Tensor causal_conv1d(const at::Tensor& x, const at::Tensor& weight, const OptionalTensor& bias,
                         bool silu, const OptionalTensor& initial_state) {
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("icl::causal_conv1d", "")
                             .typed<decltype(causal_conv1d)>();
  return op.call(x, weight, bias, silu, initial_state);
}
std::tuple<at::Tensor, at::Tensor> add_rms_norm(const at::Tensor& x, const OptionalTensor& residual,
                                                const at::Tensor& weight, double eps) {
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("icl::add_rms_norm", "")
                             .typed<decltype(add_rms_norm)>();
  return op.call(x, residual, weight, eps);
}
std::tuple<at::Tensor, at::Tensor> wkv(const at::Tensor& decay, const at::Tensor& bonus,
                                       const at::Tensor& k, const at::Tensor& v,
                                       const OptionalTensor& state) {
  static const auto op =
      c10::Dispatcher::singleton().findSchemaOrThrow("icl::wkv", "").typed<decltype(wkv)>();
  return op.call(decay, bonus, k, v, state);
}
at::Tensor s4d_kernel(const at::Tensor& log_dt, const at::Tensor& log_A_real,
                      const at::Tensor& A_imag, const at::Tensor& C, int64_t L) {
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("icl::s4d_kernel", "")
                             .typed<decltype(s4d_kernel)>();
  return op.call(log_dt, log_A_real, A_imag, C, L);
}
at::Tensor long_conv(const at::Tensor& u, const at::Tensor& k, const OptionalTensor& D) {
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("icl::long_conv", "")
                             .typed<decltype(long_conv)>();
  return op.call(u, k, D);
}

}  // namespace icl
