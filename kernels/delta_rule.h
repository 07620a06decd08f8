// SPDX-License-Identifier: Apache-2.0
//
// The delta rule (include/icl/ops/delta_rule.h): its kernels for the CPU.
#pragma once

#include "kernels/kernel.h"

namespace icl::kernels {

// The rows of q, k, a, b are [G, K] or [H, K], those of v [H, V], those of log_decay [H] or, with
// decay_per_key, [H, K]. a and b are both null or neither is.
template <class T, class S>
struct DeltaRuleParams {
  int64_t batch, length, groups, heads, key, value;  // B, L, G, H, K, V
  int64_t q_stride, k_stride, v_stride, decay_stride, a_stride, b_stride;
  bool decay_per_key;
  double scale;
  const T* q;              // [B, L, G, K]
  const T* k;              // [B, L, G, K]
  const T* v;              // [B, L, H, V]
  const S* log_decay;      // [B, L, H] or [B, L, H, K]
  const T* a;              // [B, L, H, K]
  const T* b;              // [B, L, H, K]
  const S* initial_state;  // [B, H, K, V]
  T* y;                    // [B, L, H, V]
  S* last_state;           // [B, H, K, V]
  S* saved;                // [B, H, segments, K, V], the state before each segment
};

template <class T, class S>
struct DeltaRuleGradParams {
  DeltaRuleParams<T, S> forward;  // y and last_state null, `saved` as written
  int64_t dy_stride;
  const T* dy;           // [B, L, H, V]
  const S* dlast_state;  // [B, H, K, V]
  T* dq;                 // [B, L, H, K]: of each head, to be summed over the heads of a group
  T* dk;                 // [B, L, H, K]: likewise
  T* dv;                 // [B, L, H, V]
  S* dlog_decay;         // as log_decay
  T* da;                 // [B, L, H, K]
  T* db;                 // [B, L, H, K]
  S* dinitial_state;     // [B, H, K, V]
};

// Steps of a segment: the backward pass keeps the states of one segment at a time.
inline constexpr int64_t kDeltaSegment = 8;
// Elements of `saved`.
template <class Int>
Int delta_rule_saved(const Int& batch, const Int& length, const Int& heads, const Int& key,
                     const Int& value) {
  return batch * heads * ((length + (kDeltaSegment - 1)) / kDeltaSegment) * key * value;
}

}  // namespace icl::kernels

namespace icl::kernels::cpu {

// Blocks: B H, the heads of each prompt.
template <class T>
void delta_rule_forward(const DeltaRuleParams<T, T>& params, int64_t begin, int64_t end);
template <class T>
void delta_rule_backward(const DeltaRuleGradParams<T, T>& params, int64_t begin, int64_t end);

}  // namespace icl::kernels::cpu
