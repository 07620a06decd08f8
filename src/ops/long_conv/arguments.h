// SPDX-License-Identifier: Apache-2.0
//
// The arguments of icl::long_conv: their check, and their form as the kernels read them.
#pragma once

#include "kernels/long_conv.h"
#include "src/ops/data.h"

namespace icl::ops {

void check_long_conv(const at::Tensor& u, const at::Tensor& k, const OptionalTensor& D);

// Keeps what had to be copied. CUDA kernels read the filter as [H, L], CPU kernels as [L, H].
struct LongConvArguments {
  Rows u;
  at::Tensor k, D;

  LongConvArguments(const at::Tensor& u_, const at::Tensor& k_, const OptionalTensor& D_)
      : u(u_), k(k_.contiguous()), D(contiguous(D_)) {}

  template <class T, class S>
  kernels::LongConvParams<T, S> params() const {
    const at::Tensor& shape_BLH = u.tensor();
    return {.batch = shape_BLH.size(0),
            .length = shape_BLH.size(1),
            .channels = shape_BLH.size(2),
            .u_stride = u.stride(),
            .u = read<T>(u),
            .k = read<S>(k),
            .D = read<S>(D),
            .y = nullptr};
  }
};

}  // namespace icl::ops
