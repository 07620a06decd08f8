// SPDX-License-Identifier: Apache-2.0
//
// The arguments of icl::s4d_kernel: their check, and their form as the kernels read them.
#pragma once

#include "kernels/s4d_kernel.h"
#include "src/ops/data.h"

namespace icl::ops {

void check_s4d_kernel(const at::Tensor& log_dt, const at::Tensor& log_A_real,
                      const at::Tensor& A_imag, const at::Tensor& C, int64_t L);

// Keeps what had to be copied.
struct S4dKernelArguments {
  at::Tensor log_dt, log_A_real, A_imag, C;
  int64_t length;

  S4dKernelArguments(const at::Tensor& log_dt_, const at::Tensor& log_A_real_,
                     const at::Tensor& A_imag_, const at::Tensor& C_, int64_t length_)
      : log_dt(log_dt_.contiguous()),
        log_A_real(log_A_real_.contiguous()),
        A_imag(A_imag_.contiguous()),
        C(C_.contiguous()),
        length(length_) {}

  template <class S>
  kernels::S4dKernelParams<S> params() const {
    return {.channels = log_dt.size(0),
            .modes = log_A_real.size(1),
            .length = length,
            .log_dt = read<S>(log_dt),
            .log_A_real = read<S>(log_A_real),
            .A_imag = read<S>(A_imag),
            .C = read<S>(C),
            .k = nullptr};
  }
};

}  // namespace icl::ops
