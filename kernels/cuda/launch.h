// SPDX-License-Identifier: Apache-2.0
//
// What the CUDA kernels offer to host code: a launcher for each operator and pass.
//
// Every launcher works on the stream given, allocates nothing, and returns a cudaError_t (0: all
// launched). Scratch memory is the caller's: `..._workspace` says how many elements of S are
// needed, `..._saved` how many the forward pass leaves for the backward one. Sizes may be zero.
// (T, S): (float, float), (double, double), (__half, float), (__nv_bfloat16, float).
#pragma once

#include <cstdint>

#include "kernels/params.h"

struct __half;
struct __nv_bfloat16;
struct CUstream_st;

namespace icl::kernels {

using Stream = CUstream_st*;

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
int64_t selective_scan_saved(const SelectiveScanParams<T, S>& params);
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

template <class T, class S>
int causal_conv1d(const CausalConv1dParams<T, S>& params, Stream stream);
template <class T, class S>
int64_t causal_conv1d_grad_workspace(const CausalConv1dGradParams<T, S>& params);
template <class T, class S>
int causal_conv1d_grad(const CausalConv1dGradParams<T, S>& params, S* workspace, Stream stream);

template <class T, class S>
int add_rms_norm(const AddRmsNormParams<T, S>& params, Stream stream);
template <class T, class S>
int64_t add_rms_norm_grad_workspace(const AddRmsNormGradParams<T, S>& params);
template <class T, class S>
int add_rms_norm_grad(const AddRmsNormGradParams<T, S>& params, S* workspace, Stream stream);

template <class T, class S>
int64_t wkv_saved(const WkvParams<T, S>& params);
template <class T, class S>
int wkv(const WkvParams<T, S>& params, Stream stream);
template <class T, class S>
int64_t wkv_grad_workspace(const WkvGradParams<T, S>& params);
template <class T, class S>
int wkv_grad(const WkvGradParams<T, S>& params, S* workspace, Stream stream);

template <class S>
int s4d_kernel(const S4dKernelParams<S>& params, Stream stream);
template <class S>
int s4d_kernel_grad(const S4dKernelGradParams<S>& params, Stream stream);

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

// Instantiates `MACRO(T, S)` for every pair of types that the kernels are built for.
#define ICL_FOR_KERNEL_TYPES(MACRO) \
  MACRO(float, float) MACRO(double, double) MACRO(__half, float) MACRO(__nv_bfloat16, float)
