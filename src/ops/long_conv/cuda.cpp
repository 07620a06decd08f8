// SPDX-License-Identifier: Apache-2.0
//
// Direct up to the length that fits a GPU's shared memory, by Fourier transforms beyond: the direct
// sum grows with the square of the length, and three transforms are launches that a short sequence
// does not repay.
#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/fft_irfft.h>
#include <ATen/ops/fft_rfft.h>

#include "src/ops/cuda_device.h"
#include "src/ops/long_conv/arguments.h"

namespace icl::ops {
namespace {

bool direct(const at::Tensor& k) {
  return k.size(1) <= (k.scalar_type() == at::kDouble ? kernels::long_conv_longest<double>()
                                                      : kernels::long_conv_longest<float>());
}

// The shortest even length of at least 2 L - 1 (so that nothing wraps around) that is a product of
// 2, 3, 5 and 7, which transforms are fast for.
int64_t transform_length(int64_t L) {
  for (int64_t length = 2 * L;; length += 2) {
    int64_t rest = length;
    for (const int64_t prime : {2, 3, 5, 7}) {
      while (rest % prime == 0) rest /= prime;
    }
    if (rest == 1) return length;
  }
}

// [B, L, H] in k's type as [B, H, L], which transforms read in order.
at::Tensor time_last(const at::Tensor& x, const at::Tensor& k) {
  return x.to(k.scalar_type()).transpose(1, 2).contiguous();
}

at::Tensor spectrum(const at::Tensor& x, int64_t n) {
  return at::fft_rfft(x, n, /*dim=*/-1);
}
at::Tensor from_spectrum(const at::Tensor& x, int64_t n, int64_t length) {
  return at::fft_irfft(x, n, /*dim=*/-1).narrow(-1, 0, length);
}

// [B, H, L] with the skip D x added, back in the form and type of `x` [B, L, H].
at::Tensor with_skip(const at::Tensor& sum, const OptionalTensor& D, const at::Tensor& x_BHL,
                     const at::Tensor& x) {
  const at::Tensor total = has(D) ? sum + D->unsqueeze(1) * x_BHL : sum;
  return total.transpose(1, 2).to(x.scalar_type()).contiguous();
}

at::Tensor forward(const at::Tensor& u, const at::Tensor& k, const OptionalTensor& D) {
  check_long_conv(u, k, D);
  const Gpu gpu(u);
  if (!direct(k) && u.numel() > 0) {
    const int64_t n = transform_length(k.size(1));
    const at::Tensor u_BHL = time_last(u, k);
    const at::Tensor sum =
        from_spectrum(spectrum(u_BHL, n) * spectrum(k, n), n, k.size(1));  // [B, H, L]
    return with_skip(sum, D, u_BHL, u);
  }
  const at::Tensor y = at::empty(u.sizes(), u.options());
  if (u.numel() == 0) return y;
  const LongConvArguments arguments(u, k, D);
  for_types(u.scalar_type(), [&]<class T, class S>() {
    auto p = arguments.params<T, S>();
    p.y = write<T>(y);
    check_launch("long_conv", kernels::long_conv<T, S>(p, gpu.stream()));
  });
  return y;
}

std::tuple<at::Tensor, at::Tensor, at::Tensor> backward(const at::Tensor& dy, const at::Tensor& u,
                                                        const at::Tensor& k,
                                                        const OptionalTensor& D) {
  const Gpu gpu(u);
  if (u.numel() == 0) {
    return {grad_like(u), k.new_zeros(k.sizes()), has(D) ? D->new_zeros(D->sizes()) : at::Tensor()};
  }
  if (!direct(k)) {
    const int64_t n = transform_length(k.size(1));
    const at::Tensor u_BHL = time_last(u, k), dy_BHL = time_last(dy, k);
    const at::Tensor dy_spectrum = spectrum(dy_BHL, n);
    const at::Tensor du =
        from_spectrum(dy_spectrum * spectrum(k, n).conj(), n, k.size(1));  // [B, H, L]
    const at::Tensor dk_spectrum = (dy_spectrum * spectrum(u_BHL, n).conj()).sum(0);
    const at::Tensor dk = from_spectrum(dk_spectrum, n, k.size(1)).contiguous();
    const at::Tensor dD = has(D) ? (dy_BHL * u_BHL).sum(at::IntArrayRef({0, 2})) : at::Tensor();
    return {with_skip(du, D, dy_BHL, u), dk, dD};
  }
  const LongConvArguments arguments(u, k, D);
  const Rows dy_rows(dy);
  const at::Tensor du = grad_like(u), dk = grad_like(k), dD = grad_like(D);
  for_types(u.scalar_type(), [&]<class T, class S>() {
    kernels::LongConvGradParams<T, S> grad{};
    grad.forward = arguments.params<T, S>();
    grad.dy_stride = dy_rows.stride();
    grad.dy = read<T>(dy_rows);
    grad.du = write<T>(du);
    grad.dk = write<S>(dk);
    grad.dD = write<S>(dD);
    const at::Tensor workspace =
        at::empty({kernels::long_conv_grad_workspace<T, S>(grad)}, k.options());
    check_launch("long_conv_backward",
                 kernels::long_conv_grad<T, S>(grad, write<S>(workspace), gpu.stream()));
  });
  return {du, dk, dD};
}

TORCH_LIBRARY_IMPL(icl, ICL_KERNEL_KEY, library) {
  library.impl("long_conv", forward);
  library.impl("long_conv_backward", backward);
}

}  // namespace
}  // namespace icl::ops
