// SPDX-License-Identifier: Apache-2.0
//
// The arguments of icl::wkv: their check, and their form as the kernels read them.
#pragma once

#include <tuple>

#include "kernels/wkv.h"
#include "src/ops/data.h"

namespace icl::ops {

void check_wkv(const at::Tensor& decay, const at::Tensor& bonus, const at::Tensor& k,
               const at::Tensor& v, const OptionalTensor& state);

// y, last_state, saved of wkv_forward; without data for tensors on the Meta device.
std::tuple<at::Tensor, at::Tensor, at::Tensor> empty_wkv_results(const at::Tensor& decay,
                                                                 const at::Tensor& k, bool save);

// Keeps what had to be copied.
struct WkvArguments {
  at::Tensor decay, bonus, state;
  Rows k, v;

  WkvArguments(const at::Tensor& decay_, const at::Tensor& bonus_, const at::Tensor& k_,
               const at::Tensor& v_, const OptionalTensor& state_)
      : decay(decay_.contiguous()),
        bonus(bonus_.contiguous()),
        state(contiguous(state_)),
        k(k_),
        v(v_) {}

  template <class T, class S>
  kernels::WkvParams<T, S> params() const {
    const at::Tensor& shape_BLC = k.tensor();
    return {.batch = shape_BLC.size(0),
            .length = shape_BLC.size(1),
            .width = shape_BLC.size(2),
            .k_stride = k.stride(),
            .v_stride = v.stride(),
            .decay = read<S>(decay),
            .bonus = read<S>(bonus),
            .k = read<T>(k),
            .v = read<T>(v),
            .state = read<S>(state),
            .y = nullptr,
            .last_state = nullptr,
            .saved = nullptr};
  }
};

}  // namespace icl::ops
