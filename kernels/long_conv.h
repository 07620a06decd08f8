// SPDX-License-Identifier: Apache-2.0
//
// The long causal convolution (include/icl/ops/long_conv.h): its kernels for the CPU and for CUDA.
#pragma once

#include "kernels/kernel.h"

namespace icl::kernels {

template <class T, class S>
struct LongConvParams {
  int64_t batch, length, channels;  // B, L, H
  int64_t u_stride;
  const T* u;  // [B, L, H]
  const S* k;  // [H, L]
  const S* D;  // [H]
  T* y;        // [B, L, H]
};

template <class T, class S>
struct LongConvGradParams {
  LongConvParams<T, S> forward;  // y null
  int64_t dy_stride;
  const T* dy;  // [B, L, H]
  T* du;        // [B, L, H]
  S* dk;        // [H, L]
  S* dD;        // [H]
};

// CUDA
// The direct convolution fits a GPU's shared memory up to this length; beyond, use transforms.
template <class S>
constexpr int64_t long_conv_longest() {
  return sizeof(S) == 8 ? 128 : 256;
}
template <class T, class S>
int long_conv(const LongConvParams<T, S>& params, Stream stream);
template <class T, class S>
int64_t long_conv_grad_workspace(const LongConvGradParams<T, S>& params);
template <class T, class S>
int long_conv_grad(const LongConvGradParams<T, S>& params, S* workspace, Stream stream);

}  // namespace icl::kernels

namespace icl::kernels::cpu {

// Here `k` and `dk` are [L, H]. Blocks of the convolutions: groups of prompts by blocks of
// channels; of the gradient of the kernel: blocks of lags by blocks of channels.
int64_t long_conv_blocks(int64_t batch, int64_t channels);
int64_t long_conv_kernel_blocks(int64_t length, int64_t channels);
template <class T>
void long_conv_forward(const LongConvParams<T, T>& params, int64_t begin, int64_t end);
template <class T>
void long_conv_backward_input(const LongConvGradParams<T, T>& params, int64_t begin, int64_t end);
template <class T>
void long_conv_backward_kernel(const LongConvGradParams<T, T>& params, int64_t begin, int64_t end);

}  // namespace icl::kernels::cpu
