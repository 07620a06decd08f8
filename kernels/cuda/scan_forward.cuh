// SPDX-License-Identifier: Apache-2.0
//
// Selective scan, forward. LANES lanes share a channel and hold NS of its states each in registers,
// walking through time; lanes next to each other hold neighbouring channels, so that rows of u,
// delta, z and y are read and written whole. B and C pass through shared memory, two tiles in turn.
//
// Bound: at N = 16 in float32 about even between memory (5 elements per channel and step), the
// special function unit (N + 4 exponentials and logarithms) and instruction issue (8.3 N).
//
// Surprise: with LANES > 1 a lane also owns every fourth time step: it alone reads u, delta and z
// of that step, evaluates softplus and gate, and ends up with the step's sum over states. The sums
// of four steps are exchanged together, 3 shuffles instead of 8. Steps past the end have
// delta = u = 0, which leaves the state as it is, so that no lane ever leaves a shuffle.
#pragma once

#include "kernels/cuda/launch.h"
#include "kernels/cuda/scan_stage.cuh"

namespace icl::kernels {

constexpr int kScanThreads = 128;
// Steps between the states that the forward pass leaves for the backward one. In float64 fewer, as
// that many steps of states must fit the backward kernel's shared memory.
template <class S>
__host__ __device__ constexpr int scan_segment() {
  return sizeof(S) == 8 ? 4 : 8;
}

template <class S, int NS, int LANES>
struct ScanShape {
  static constexpr int kStates = NS * LANES;
  static constexpr int kChannels = kScanThreads / LANES;
  // Steps staged at once: 32 KiB for both buffers of B and C, the most that still allows several
  // blocks on a multiprocessor.
  static constexpr int kFit = 32768 / (4 * kStates * int(sizeof(S)));
  static constexpr int kTile = kFit < 32 ? kFit : 32;
  static constexpr int kSub = LANES == 1 ? 1 : 4;     // steps side by side in lanes
  static constexpr int kWanted = LANES == 1 ? 8 : 4;  // reads in flight per lane
  static constexpr int kSlots = kTile / kSub < kWanted ? kTile / kSub : kWanted;
  static constexpr int kGroup = kSlots * kSub;
  static constexpr int kTileElements = kTile * 2 * kStates;
};

// Where a chunk starts: carry [B, chunks, I, N], or the initial state if there is one chunk.
template <class S>
struct ScanChunks {
  int64_t count, length;
  const S* carry;
};

// Over lanes 0..3 of every four, sums value[s] and leaves the sum of value[lane] in each lane;
// lanes further apart (LANES = 16) hold other states and are added too.
template <int LANES, class S>
__device__ __forceinline__ S sum_over_lanes(const S* value, int lane) {
  if constexpr (LANES == 1) {
    return value[0];
  } else {
    const bool high = lane & 2, odd = lane & 1;
    S a = high ? value[2] : value[0], b = high ? value[3] : value[1];
    a += __shfl_xor_sync(kAllLanes, high ? value[0] : value[2], 2);
    b += __shfl_xor_sync(kAllLanes, high ? value[1] : value[3], 2);
    S sum = odd ? b : a;
    sum += __shfl_xor_sync(kAllLanes, odd ? a : b, 1);
#pragma unroll
    for (int bits = 4; bits < LANES; bits <<= 1) sum += __shfl_xor_sync(kAllLanes, sum, bits);
    return sum;
  }
}

template <class T, class S, int NS, int LANES>
__global__ void __launch_bounds__(kScanThreads, sizeof(S) == 8 ? 1 : 3)
    scan_forward_kernel(SelectiveScanParams<T, S> p, ScanChunks<S> chunks) {
  using Shape = ScanShape<S, NS, LANES>;
  constexpr int kSub = Shape::kSub, kSlots = Shape::kSlots, kGroup = Shape::kGroup;
  ICL_DYNAMIC_SHARED(S, staged);

  const int64_t tiles = ceil_div(p.width, Shape::kChannels);
  const int64_t b = blockIdx.x / (tiles * chunks.count);
  const int64_t chunk = blockIdx.x / tiles % chunks.count;
  const int lane = threadIdx.x % 32, sub = lane % kSub;
  const int n0 = threadIdx.x % LANES * NS;
  const int64_t i = blockIdx.x % tiles * Shape::kChannels + threadIdx.x / LANES;
  const bool active = i < p.width;
  const int64_t begin = chunk * chunks.length;
  const int64_t end = begin + chunks.length < p.length ? begin + chunks.length : p.length;
  const int64_t row0 = b * p.length;  // of [B, L]

  S A[NS], h[NS];
  const S* start = chunks.carry != nullptr
                       ? chunks.carry + ((b * chunks.count + chunk) * p.width + i) * p.n_state
                   : p.initial_state != nullptr ? p.initial_state + (b * p.width + i) * p.n_state
                                                : nullptr;
#pragma unroll
  for (int n = 0; n < NS; ++n) {
    const bool real = active && n0 + n < p.n_state;
    A[n] = real ? p.A[i * p.n_state + n0 + n] : S(0);
    h[n] = real && start != nullptr ? start[n0 + n] : S(0);
  }
  const S skip = active && p.D != nullptr ? p.D[i] : S(0);
  const S bias = active && p.delta_bias != nullptr ? p.delta_bias[i] : S(0);

  const auto stage = [&](int64_t t, int buffer) {
    S* to = staged + buffer * Shape::kTileElements;
    stage_rows(to, 2 * Shape::kStates, p.B, p.B_stride, row0 + t, 1, Shape::kTile, end - t,
               p.n_state, Shape::kStates);
    stage_rows(to + Shape::kStates, 2 * Shape::kStates, p.C, p.C_stride, row0 + t, 1, Shape::kTile,
               end - t, p.n_state, Shape::kStates);
  };
  S u_next[kSlots], delta_next[kSlots], z_next[kSlots];
  const auto fetch = [&](int64_t t0) {
#pragma unroll
    for (int r = 0; r < kSlots; ++r) {
      const int64_t t = t0 + r * kSub + sub;
      u_next[r] = delta_next[r] = z_next[r] = S(0);
      if (!active || t >= end) continue;
      u_next[r] = widen(p.u[(row0 + t) * p.u_stride + i]);
      delta_next[r] = widen(p.delta[(row0 + t) * p.delta_stride + i]);
      if (p.z != nullptr) z_next[r] = widen(p.z[(row0 + t) * p.z_stride + i]);
    }
  };

  stage(begin, 0);
  fetch(begin);
  int buffer = 0;
  for (int64_t tile = begin; tile < end; tile += Shape::kTile, buffer ^= 1) {
    wait_for_copies();
    __syncthreads();  // this tile is there, and nobody reads the other buffer any more
    if (tile + Shape::kTile < end) stage(tile + Shape::kTile, buffer ^ 1);
    const int64_t tile_end = tile + Shape::kTile < end ? tile + Shape::kTile : end;

    for (int64_t t0 = tile; t0 < tile_end; t0 += kGroup) {
      S dt[kSlots], u[kSlots], z[kSlots];
#pragma unroll
      for (int r = 0; r < kSlots; ++r) {
        const bool real = active && t0 + r * kSub + sub < end;
        S x = delta_next[r] + bias;
        if (p.delta_softplus) x = softplus(x);
        dt[r] = real ? x : S(0);
        u[r] = u_next[r];
        z[r] = z_next[r];
      }
      fetch(t0 + kGroup);

#pragma unroll
      for (int r = 0; r < kSlots; ++r) {
        const int64_t t = t0 + r * kSub;
        if (t >= tile_end) break;
        if (p.saved != nullptr && t % scan_segment<S>() == 0 && active) {
          const int64_t segment = t / scan_segment<S>();
          const int64_t segments = ceil_div(p.length, scan_segment<S>());
          S* to = p.saved + ((b * segments + segment) * p.width + i) * p.n_state + n0;
#pragma unroll
          for (int n = 0; n < NS; ++n) {
            if (n0 + n < p.n_state) to[n] = h[n];
          }
        }
        const S dtu = dt[r] * u[r];
        S part[kSub];
#pragma unroll
        for (int s = 0; s < kSub; ++s) {
          S dt_s = dt[r], dtu_s = dtu;
          if constexpr (LANES > 1) {
            const int from = (lane & ~3) | s;
            dt_s = __shfl_sync(kAllLanes, dt[r], from);
            dtu_s = __shfl_sync(kAllLanes, dtu, from);
          }
          const S* row = staged + buffer * Shape::kTileElements +
                         static_cast<int>(t - tile + s) * 2 * Shape::kStates + n0;
          // To base 2 by dt and not by A: A's rounding would add up over all steps.
          const S rate = dt_s * S(kLog2E);
          S y = 0;
#pragma unroll
          for (int n = 0; n < NS; n += 4) {
            const Vec4<S> B = *reinterpret_cast<const Vec4<S>*>(row + n);
            const Vec4<S> C = *reinterpret_cast<const Vec4<S>*>(row + Shape::kStates + n);
#pragma unroll
            for (int m = 0; m < 4; ++m) {
              h[n + m] = exp2_of(rate * A[n + m]) * h[n + m] + dtu_s * B.v[m];
              y += C.v[m] * h[n + m];
            }
          }
          part[s] = y;
        }
        S y = sum_over_lanes<LANES>(part, lane);
        // With 16 lanes four of them hold the same sum; the first four write.
        if (active && t + sub < end && threadIdx.x % LANES < kSub) {
          y += skip * u[r];
          if (p.z != nullptr) y *= z[r] * sigmoid(z[r]);
          p.y[(row0 + t + sub) * p.width + i] = Narrow<T>::from(y);
        }
      }
    }
  }
  if (!active || p.last_state == nullptr || chunk != chunks.count - 1) return;
#pragma unroll
  for (int n = 0; n < NS; ++n) {
    if (n0 + n < p.n_state) p.last_state[(b * p.width + i) * p.n_state + n0 + n] = h[n];
  }
}

template <class T, class S, int NS, int LANES>
int launch_scan_forward(const SelectiveScanParams<T, S>& p, const ScanChunks<S>& chunks,
                        cudaStream_t stream) {
  using Shape = ScanShape<S, NS, LANES>;
  const int64_t blocks = p.batch * chunks.count * ceil_div(p.width, Shape::kChannels);
  return launch(scan_forward_kernel<T, S, NS, LANES>, blocks_1d(blocks), kScanThreads,
                2 * Shape::kTileElements * sizeof(S), stream, p, chunks);
}

}  // namespace icl::kernels
