// SPDX-License-Identifier: Apache-2.0
//
// The CPU kernels: each works on the blocks [begin, end) of its work, so that a caller can share
// them out among threads. Blocks depend on shapes alone; sums over blocks are made in a fixed order
// by sum_parts: results are the same bits for any number of threads.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kernels/params.h"

namespace icl::kernels::cpu {

// Channels of one block; a cache-friendly number of SIMD vectors on every machine.
inline constexpr int64_t kChannels = 64;
// At most so many steps lie between states that the forward pass saves and the backward pass starts
// again from.
inline constexpr int64_t kSegment = 32;

inline constexpr double kLog2E = 1.4426950408889634;

inline int64_t channel_blocks(int64_t width) {
  return (width + kChannels - 1) / kChannels;
}
inline int64_t segments(int64_t length) {
  return (length + kSegment - 1) / kSegment;
}
// Steps of each segment but the last, which may have fewer: a sequence is cut evenly.
inline int64_t segment_steps(int64_t length) {
  return length == 0 ? 0 : (length + segments(length) - 1) / segments(length);
}

// Blocks: B * channel_blocks(I). `saved` is [B, segments, N, I]. A null last_state is not wanted.
// Steps l with is_query[l] [L] give their y and leave the state as it was.
template <class T>
void selective_scan_forward(const SelectiveScanParams<T, T>& params, int64_t begin, int64_t end,
                            const bool* is_query = nullptr);

// Partial results of the backward pass, to be summed by sum_parts: dB and dC come as one tensor a
// channel block, dA, dD and ddelta_bias as one a prompt.
template <class T>
struct SelectiveScanPartials {
  T* dB;           // [channel_blocks, B, L, N]
  T* dC;           // [channel_blocks, B, L, N]
  T* dA;           // [B, I, N]
  T* dD;           // [B, I]
  T* ddelta_bias;  // [B, I]
};
template <class T>
void selective_scan_backward(const SelectiveScanGradParams<T, T>& params,
                             const SelectiveScanPartials<T>& partials, int64_t begin, int64_t end);

// sum[i] = parts[0][i] + parts[1][i] + ... in that order and in float64, for i in [begin, end).
template <class T>
void sum_parts(const T* parts, int64_t count, int64_t size, T* sum, int64_t begin, int64_t end);

// Blocks: B * channel_blocks(I).
template <class T>
void causal_conv1d_forward(const CausalConv1dParams<T, T>& params, int64_t begin, int64_t end);
// dweight_parts [B, I, W] and dbias_parts [B, I], to be summed over B.
template <class T>
void causal_conv1d_backward(const CausalConv1dGradParams<T, T>& params, T* dweight_parts,
                            T* dbias_parts, int64_t begin, int64_t end);

// Rows in groups: the gradient of the weight is summed within each group first.
inline constexpr int64_t kRows = 16;
inline int64_t row_groups(int64_t rows) {
  return (rows + kRows - 1) / kRows;
}
// Blocks: row_groups(rows).
template <class T>
void add_rms_norm_forward(const AddRmsNormParams<T, T>& params, int64_t begin, int64_t end);
// dweight_parts [row_groups, M].
template <class T>
void add_rms_norm_backward(const AddRmsNormGradParams<T, T>& params, T* dweight_parts,
                           int64_t begin, int64_t end);

// Blocks: B * channel_blocks(C). `saved` is [B, segments, 3, C]: the state before each segment.
template <class T>
void wkv_forward(const WkvParams<T, T>& params, int64_t begin, int64_t end);
// ddecay_parts and dbonus_parts [B, C].
template <class T>
void wkv_backward(const WkvGradParams<T, T>& params, T* ddecay_parts, T* dbonus_parts,
                  int64_t begin, int64_t end);

// Blocks: the H channels. Computed in float64 for either type.
template <class T>
void s4d_kernel_forward(const S4dKernelParams<T>& params, int64_t begin, int64_t end);
template <class T>
void s4d_kernel_backward(const S4dKernelGradParams<T>& params, int64_t begin, int64_t end);

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

// What the run-time dispatch chose, e.g. "AVX3" (Highway's name for AVX-512), and all that it could
// have chosen on this machine.
const char* simd_target();
std::vector<std::string> simd_targets();
// For tests: from now on the target of this name, one of simd_targets(); "" is the best again.
void choose_simd_target(const std::string& name);

}  // namespace icl::kernels::cpu
