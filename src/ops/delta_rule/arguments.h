// SPDX-License-Identifier: Apache-2.0
//
// The arguments of icl::delta_rule: their check, and their form as the kernels read them.
#pragma once

#include <tuple>

#include "kernels/delta_rule.h"
#include "src/ops/data.h"

namespace icl::ops {

void check_delta_rule(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                      const at::Tensor& log_decay, const OptionalTensor& a, const OptionalTensor& b,
                      const OptionalTensor& initial_state);

// y, last_state, saved of delta_rule_forward; without data for tensors on the Meta device.
std::tuple<at::Tensor, at::Tensor, at::Tensor> empty_delta_rule_results(const at::Tensor& q,
                                                                        const at::Tensor& v,
                                                                        const at::Tensor& log_decay,
                                                                        bool save);

// Keeps what had to be copied.
struct DeltaRuleArguments {
  Rows q, k, v, log_decay, a, b;
  at::Tensor initial_state;
  double scale;

  DeltaRuleArguments(const at::Tensor& q_, const at::Tensor& k_, const at::Tensor& v_,
                     const at::Tensor& log_decay_, const OptionalTensor& a_,
                     const OptionalTensor& b_, double scale_, const OptionalTensor& state_)
      : q(q_),
        k(k_),
        v(v_),
        log_decay(log_decay_),
        a(a_),
        b(b_),
        initial_state(contiguous(state_)),
        scale(scale_) {}

  template <class T, class S>
  kernels::DeltaRuleParams<T, S> params() const {
    const at::Tensor &q_BLGK = q.tensor(), &v_BLHV = v.tensor();
    return {.batch = q_BLGK.size(0),
            .length = q_BLGK.size(1),
            .groups = q_BLGK.size(2),
            .heads = v_BLHV.size(2),
            .key = q_BLGK.size(3),
            .value = v_BLHV.size(3),
            .q_stride = q.stride(),
            .k_stride = k.stride(),
            .v_stride = v.stride(),
            .decay_stride = log_decay.stride(),
            .a_stride = a.stride(),
            .b_stride = b.stride(),
            .decay_per_key = log_decay.tensor().dim() == 4,
            .scale = scale,
            .q = read<T>(q),
            .k = read<T>(k),
            .v = read<T>(v),
            .log_decay = read<S>(log_decay),
            .a = read<T>(a),
            .b = read<T>(b),
            .initial_state = read<S>(initial_state),
            .y = nullptr,
            .last_state = nullptr,
            .saved = nullptr};
  }
};

}  // namespace icl::ops
