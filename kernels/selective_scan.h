// SPDX-License-Identifier: Apache-2.0
//
// The selective scan (include/icl/ops/selective_scan.h): its kernels for the CPU and for CUDA.
#pragma once

#include "kernels/kernel.h"

namespace icl::kernels {

// y, last_state and `saved` from the arguments.
template <class T, class S>
struct SelectiveScanParams {
  int64_t batch, length, width, n_state;  // B, L, I, N
  int64_t u_stride, delta_stride, B_stride, C_stride, z_stride;
  bool delta_softplus;
  const T* u;              // [B, L, I]
  const T* delta;          // [B, L, I]
  const S* A;              // [I, N]
  const T* B;              // [B, L, N]
  const T* C;              // [B, L, N]
  const S* D;              // [I]
  const T* z;              // [B, L, I]
  const S* delta_bias;     // [I]
  const S* initial_state;  // [B, I, N]
  T* y;                    // [B, L, I]
  S* last_state;           // [B, I, N]
  S* saved;
};

template <class T, class S>
struct SelectiveScanGradParams {
  SelectiveScanParams<T, S> forward;  // y and last_state null, `saved` as written
  int64_t dy_stride;
  const T* dy;           // [B, L, I]
  const S* dlast_state;  // [B, I, N]
  T* du;                 // [B, L, I]
  T* ddelta;             // [B, L, I]
  S* dA;                 // [I, N]
  T* dB;                 // [B, L, N]
  T* dC;                 // [B, L, N]
  S* dD;                 // [I]
  T* dz;                 // [B, L, I]
  S* ddelta_bias;        // [I]
  S* dinitial_state;     // [B, I, N]
};

// Steps between the states that CUDA's forward pass saves. In float64 fewer, as that many steps of
// states must fit the backward kernel's shared memory.
template <class S>
inline constexpr int kScanSegment = sizeof(S) == 8 ? 4 : 8;

// Elements of `saved`: one number for every device, so that its shape can be told without one. It
// is what CUDA needs; the CPU saves states less often and uses the beginning alone.
template <class S, class Int>
Int selective_scan_saved(const Int& batch, const Int& length, const Int& width,
                         const Int& n_state) {
  return batch * ((length + (kScanSegment<S> - 1)) / kScanSegment<S>)*width * n_state;
}

// CUDA
// Most states that a selective scan takes.
inline constexpr int64_t kMostScanStates = 256;
// Most steps: a block counts its steps in 32 bits (places in memory in 64).
inline constexpr int64_t kMostScanLength = int64_t{1} << 30;

// How a selective scan is spread over the GPU; see scan_plan.cpp for the choice.
struct ScanPlan {
  int lanes = 1;             // lanes of a warp that share a channel's states
  int64_t chunks = 1;        // pieces of time worked on at once
  int64_t chunk_length = 0;  // steps in each but the last; a multiple of 32 if chunks > 1
};
ScanPlan plan_scan_forward(int64_t batch, int64_t length, int64_t width, int64_t n_state,
                           int multiprocessors);
ScanPlan plan_scan_backward(int64_t batch, int64_t length, int64_t width, int64_t n_state,
                            int multiprocessors);

template <class T, class S>
int64_t selective_scan_workspace(const SelectiveScanParams<T, S>& params, const ScanPlan& plan);
template <class T, class S>
int selective_scan(const SelectiveScanParams<T, S>& params, const ScanPlan& plan, S* workspace,
                   Stream stream);
template <class T, class S>
int64_t selective_scan_grad_workspace(const SelectiveScanGradParams<T, S>& params,
                                      const ScanPlan& plan);
template <class T, class S>
int selective_scan_grad(const SelectiveScanGradParams<T, S>& params, const ScanPlan& plan,
                        S* workspace, Stream stream);

}  // namespace icl::kernels

namespace icl::kernels::cpu {

// Blocks: B * channel_blocks(I). `saved` is used as [B, segments, N, I]. A null last_state is not
// wanted. Steps l with is_query[l] [L] give their y and leave the state as it was.
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

}  // namespace icl::kernels::cpu
