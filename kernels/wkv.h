// SPDX-License-Identifier: Apache-2.0
//
// The time mixing of RWKV-4 (include/icl/ops/wkv.h): its kernels for the CPU and for CUDA.
#pragma once

#include "kernels/kernel.h"

namespace icl::kernels {

// A state's rows: numerator, denominator, maximum.
template <class T, class S>
struct WkvParams {
  int64_t batch, length, width;  // B, L, C
  int64_t k_stride, v_stride;
  const S* decay;  // [C]
  const S* bonus;  // [C]
  const T* k;      // [B, L, C]
  const T* v;      // [B, L, C]
  const S* state;  // [B, 3, C]
  T* y;            // [B, L, C]
  S* last_state;   // [B, 3, C]
  S* saved;
};

template <class T, class S>
struct WkvGradParams {
  WkvParams<T, S> forward;  // y and last_state null, `saved` as written
  int64_t dy_stride;
  const T* dy;           // [B, L, C]
  const S* dlast_state;  // [B, 3, C]
  S* ddecay;             // [C]
  S* dbonus;             // [C]
  T* dk;                 // [B, L, C]
  T* dv;                 // [B, L, C]
  S* dstate;             // [B, 3, C]
};

// Elements of `saved`: one number for every device, so that its shape can be told without one. It
// is what CUDA needs, the state every kWkvSegment steps; the CPU saves states less often and uses
// the beginning alone.
inline constexpr int kWkvSegment = 8;
template <class Int>
Int wkv_saved(const Int& batch, const Int& length, const Int& width) {
  return batch * ((length + (kWkvSegment - 1)) / kWkvSegment) * 3 * width;
}

// CUDA
template <class T, class S>
int wkv(const WkvParams<T, S>& params, Stream stream);
template <class T, class S>
int64_t wkv_grad_workspace(const WkvGradParams<T, S>& params);
template <class T, class S>
int wkv_grad(const WkvGradParams<T, S>& params, S* workspace, Stream stream);

}  // namespace icl::kernels

namespace icl::kernels::cpu {

// Blocks: B * channel_blocks(C). `saved` is used as [B, segments, 3, C]: the state before each
// segment.
template <class T>
void wkv_forward(const WkvParams<T, T>& params, int64_t begin, int64_t end);
// ddecay_parts and dbonus_parts [B, C].
template <class T>
void wkv_backward(const WkvGradParams<T, T>& params, T* ddecay_parts, T* dbonus_parts,
                  int64_t begin, int64_t end);

}  // namespace icl::kernels::cpu
