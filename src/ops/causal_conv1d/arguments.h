// SPDX-License-Identifier: Apache-2.0
//
// The arguments of icl::causal_conv1d: their check, and their form as the kernels read them.
#pragma once

#include "kernels/causal_conv1d.h"
#include "src/ops/data.h"

namespace icl::ops {

void check_causal_conv1d(const at::Tensor& x, const at::Tensor& weight, const OptionalTensor& bias,
                         const OptionalTensor& initial_state);

// Keeps what had to be copied.
struct CausalConv1dArguments {
  Rows x;
  at::Tensor weight, bias, initial_state;
  bool silu;

  CausalConv1dArguments(const at::Tensor& x_, const at::Tensor& weight_,
                        const OptionalTensor& bias_, bool silu_, const OptionalTensor& state_)
      : x(x_),
        weight(weight_.contiguous()),
        bias(contiguous(bias_)),
        initial_state(contiguous(state_)),
        silu(silu_) {}

  template <class T, class S>
  kernels::CausalConv1dParams<T, S> params() const {
    const at::Tensor& shape_BLI = x.tensor();
    return {.batch = shape_BLI.size(0),
            .length = shape_BLI.size(1),
            .width = shape_BLI.size(2),
            .taps = weight.size(1),
            .x_stride = x.stride(),
            .silu = silu,
            .x = read<T>(x),
            .weight = read<S>(weight),
            .bias = read<S>(bias),
            .initial_state = read<T>(initial_state),
            .y = nullptr};
  }
};

}  // namespace icl::ops
