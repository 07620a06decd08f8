// SPDX-License-Identifier: Apache-2.0
//
// Launchers of the selective scan: scratch memory laid out, kernels put in a row.
#pragma once

#include "kernels/cuda/scan_backward.cuh"
#include "kernels/cuda/scan_chunks.cuh"
#include "kernels/cuda/scan_forward.cuh"
#include "kernels/cuda/sum_rows.cuh"

namespace icl::kernels {

// cudaErrorInvalidValue; the operators refuse such arguments with a message before.
constexpr int kUnsupported = 1;

template <class T, class S>
bool supported(const SelectiveScanParams<T, S>& p) {
  return p.n_state >= 1 && p.n_state <= kMostScanStates && p.length <= kMostScanLength;
}

// Parts of the workspace start at multiples of 4 elements, so that Vec4 reads are aligned.
inline int64_t padded_to_vector(int64_t elements) {
  return ceil_div(elements, 4) * 4;
}

template <class T, class S>
int64_t selective_scan_workspace(const SelectiveScanParams<T, S>& p, const ScanPlan& plan) {
  if (plan.chunks == 1) return 0;
  return padded_to_vector(p.batch * plan.chunks * p.width * p.n_state) +
         p.batch * plan.chunks * p.width;
}

template <class T, class S>
int selective_scan(const SelectiveScanParams<T, S>& p, const ScanPlan& plan, S* workspace,
                   Stream stream) {
  if (!supported(p)) return kUnsupported;
  if (p.batch * p.width == 0) return 0;
  ScanChunks<S> chunks{plan.chunks, plan.chunk_length, nullptr};
  if (plan.chunks > 1) {
    chunks.carry = workspace;
    const ChunkWalk<T, S> walk{
        nullptr,     0,
        plan.chunks, plan.chunk_length,
        workspace,   workspace + padded_to_vector(p.batch * plan.chunks * p.width * p.n_state)};
    const int error = carry_over_chunks<false>(p, walk, p.initial_state, stream);
    if (error != 0) return error;
  }
  if constexpr (sizeof(S) == 4) {
    if (plan.lanes == 1 && p.n_state <= 4) {
      return launch_scan_forward<T, S, 4, 1>(p, chunks, stream);
    }
    if (plan.lanes == 1 && p.n_state <= 8) {
      return launch_scan_forward<T, S, 8, 1>(p, chunks, stream);
    }
    if (plan.lanes == 4 && p.n_state > 16 && p.n_state <= 32) {
      return launch_scan_forward<T, S, 8, 4>(p, chunks, stream);
    }
    if (plan.lanes == 4 && p.n_state > 32 && p.n_state <= 64) {
      return launch_scan_forward<T, S, 16, 4>(p, chunks, stream);
    }
  }  // in float64, for checking more than for speed, the general shapes do
  if (plan.lanes == 1 && p.n_state <= 16)
    return launch_scan_forward<T, S, 16, 1>(p, chunks, stream);
  if (plan.lanes <= 4 && p.n_state <= 16) return launch_scan_forward<T, S, 4, 4>(p, chunks, stream);
  return launch_scan_forward<T, S, 16, 16>(p, chunks, stream);
}

// Lays the scratch memory out: its parts from `workspace` on (null: only `total` is asked for), and
// how many elements they take together.
template <class T, class S>
ScanGradScratch<S> scan_grad_scratch(const SelectiveScanParams<T, S>& p, const ScanPlan& plan,
                                     S* workspace, S** sums, int64_t* total) {
  int64_t used = 0;
  const auto take = [&](int64_t elements) {
    S* place = workspace == nullptr ? nullptr : workspace + used;
    used += padded_to_vector(elements);
    return place;
  };
  const int64_t rows = p.batch * plan.chunks;
  const int64_t tiles = ceil_div(p.width, kScanThreads);
  ScanGradScratch<S> scratch{};
  scratch.chunks = plan.chunks;
  scratch.chunk_length = plan.chunk_length;
  scratch.dBC = take(p.batch * tiles * p.length * 2 * p.n_state);
  scratch.dA = take(rows * p.width * p.n_state);
  scratch.dD = take(rows * p.width);
  scratch.dbias = take(rows * p.width);
  if (plan.chunks > 1 || p.n_state > kTurn) scratch.carry = take(rows * p.width * p.n_state);
  if (plan.chunks > 1) *sums = take(rows * p.width);
  *total = used;
  return scratch;
}

template <class T, class S>
int64_t selective_scan_grad_workspace(const SelectiveScanGradParams<T, S>& grad,
                                      const ScanPlan& plan) {
  S* sums = nullptr;
  int64_t total = 0;
  scan_grad_scratch<T, S>(grad.forward, plan, nullptr, &sums, &total);
  return total;
}

template <class T, class S>
int selective_scan_grad(const SelectiveScanGradParams<T, S>& grad, const ScanPlan& plan,
                        S* workspace, Stream stream) {
  const SelectiveScanParams<T, S>& p = grad.forward;
  if (!supported(p)) return kUnsupported;
  S* sums = nullptr;
  int64_t total = 0;
  const ScanGradScratch<S> scratch = scan_grad_scratch<T, S>(p, plan, workspace, &sums, &total);
  if (plan.chunks > 1) {
    const ChunkWalk<T, S> walk{grad.dy,           grad.dy_stride, plan.chunks,
                               plan.chunk_length, scratch.carry,  sums};
    const int error = carry_over_chunks<true>(p, walk, grad.dlast_state, stream);
    if (error != 0) return error;
  }
  const int64_t tiles = ceil_div(p.width, kScanThreads);
  const int64_t rows = p.length > 0 ? p.batch * plan.chunks : 0;  // no rows sum to zero
  int error = 0;
  if (p.batch * p.width * p.length > 0) {
    const auto kernel =
        p.n_state <= kTurn ? scan_backward_kernel<T, S, true> : scan_backward_kernel<T, S, false>;
    error = launch(kernel, blocks_1d(rows * tiles), kScanThreads, SegmentShared<S>::kBytes, stream,
                   grad, scratch);
  }
  const auto then = [&](auto&& next) {
    if (error == 0) error = next();
  };
  const int64_t dBC = p.batch * p.length * 2 * p.n_state;
  if (dBC > 0) {
    then([&] {
      return launch(sum_dBC_kernel<T, S>, blocks_1d(ceil_div(dBC, 128)), 128, 0, stream,
                    static_cast<const S*>(scratch.dBC), grad.dB, grad.dC, p.batch, tiles, p.length,
                    p.n_state);
    });
  }
  then([&] { return sum_rows<S>(scratch.dA, grad.dA, 1, rows, p.width * p.n_state, stream); });
  if (grad.dD != nullptr) {
    then([&] { return sum_rows<S>(scratch.dD, grad.dD, 1, rows, p.width, stream); });
  }
  if (grad.ddelta_bias != nullptr) {
    then([&] { return sum_rows<S>(scratch.dbias, grad.ddelta_bias, 1, rows, p.width, stream); });
  }
  return error;
}

#define ICL_INSTANTIATE_SELECTIVE_SCAN(T, S)                                                    \
  template int64_t selective_scan_workspace(const SelectiveScanParams<T, S>&, const ScanPlan&); \
  template int selective_scan(const SelectiveScanParams<T, S>&, const ScanPlan&, S*, Stream);   \
  template int64_t selective_scan_grad_workspace(const SelectiveScanGradParams<T, S>&,          \
                                                 const ScanPlan&);                              \
  template int selective_scan_grad(const SelectiveScanGradParams<T, S>&, const ScanPlan&, S*,   \
                                   Stream);

}  // namespace icl::kernels
