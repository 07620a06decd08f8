// SPDX-License-Identifier: Apache-2.0
//
// The short causal convolution (include/icl/ops/causal_conv1d.h): its kernels for the CPU and for
// CUDA.
#pragma once

#include "kernels/kernel.h"

namespace icl::kernels {

template <class T, class S>
struct CausalConv1dParams {
  int64_t batch, length, width, taps;  // B, L, I, W
  int64_t x_stride;
  bool silu;
  const T* x;              // [B, L, I]
  const S* weight;         // [I, W]
  const S* bias;           // [I]
  const T* initial_state;  // [B, W-1, I]
  T* y;                    // [B, L, I]
};

template <class T, class S>
struct CausalConv1dGradParams {
  CausalConv1dParams<T, S> forward;  // y null
  int64_t dy_stride;
  const T* dy;        // [B, L, I]
  T* dx;              // [B, L, I]
  S* dweight;         // [I, W]
  S* dbias;           // [I]
  T* dinitial_state;  // [B, W-1, I]
};

// CUDA
template <class T, class S>
int causal_conv1d(const CausalConv1dParams<T, S>& params, Stream stream);
template <class T, class S>
int64_t causal_conv1d_grad_workspace(const CausalConv1dGradParams<T, S>& params);
template <class T, class S>
int causal_conv1d_grad(const CausalConv1dGradParams<T, S>& params, S* workspace, Stream stream);

}  // namespace icl::kernels

namespace icl::kernels::cpu {

// Blocks: B * channel_blocks(I).
template <class T>
void causal_conv1d_forward(const CausalConv1dParams<T, T>& params, int64_t begin, int64_t end);
// dweight_parts [B, I, W] and dbias_parts [B, I], to be summed over B.
template <class T>
void causal_conv1d_backward(const CausalConv1dGradParams<T, T>& params, T* dweight_parts,
                            T* dbias_parts, int64_t begin, int64_t end);

}  // namespace icl::kernels::cpu
